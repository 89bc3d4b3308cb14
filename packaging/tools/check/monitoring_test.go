package check

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// The alert rules are what promtool check rules accepts.
func TestAlertRules(t *testing.T) {
	groups, all := rulefmt.ParseFile(filepath.Join(repository, "packaging/monitoring/alerts.yaml"), false,
		model.UTF8Validation, parser.NewParser(parser.Options{}), slog.Default())
	for _, err := range all {
		t.Error(err)
	}
	if groups == nil || len(groups.Groups) != 1 || len(groups.Groups[0].Rules) < 10 {
		t.Errorf("the rules are %+v", groups)
	}
}

// Each panel of the dashboard asks a valid question.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "packaging/monitoring/dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	questions := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			questions++
			expr := strings.ReplaceAll(target.Expr, "$__rate_interval", "5m")
			if _, err := parser.NewParser(parser.Options{}).ParseExpr(expr); err != nil {
				t.Errorf("%s: %v", panel.Title, err)
			}
		}
	}
	if questions < 10 {
		t.Errorf("the dashboard asks %d questions", questions)
	}
}
