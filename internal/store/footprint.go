package store

import (
	"reflect"
	"time"
)

// footprint estimates the memory that a decoded record takes, in bytes. Its encoding can be ten times smaller,
// for example for a map of short strings.
func footprint(v any) int {
	of := reflect.ValueOf(v)
	return allocationSize(int(of.Type().Size())) + referentSize(of)
}

var timeType = reflect.TypeFor[time.Time]()

// referentSize returns the size of the memory that a value refers to.
func referentSize(v reflect.Value) (size int) {
	switch v.Kind() {
	case reflect.String:
		return allocationSize(v.Len())
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice {
			size = allocationSize(v.Cap() * int(v.Type().Elem().Size()))
		}
		if refers(v.Type().Elem()) {
			for i := range v.Len() {
				size += referentSize(v.Index(i))
			}
		}
	case reflect.Map:
		return mapSize(v)
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			size = allocationSize(int(v.Elem().Type().Size())) + referentSize(v.Elem())
		}
	case reflect.Struct:
		if v.Type() == timeType {
			return 0 // time zones are shared
		}
		for i := range v.NumField() {
			size += referentSize(v.Field(i))
		}
	}
	return size
}

// mapSize counts two slots per entry, because maps grow by doubling, and one control byte per slot.
func mapSize(v reflect.Value) int {
	if v.IsNil() {
		return 0
	}
	size := 64 + 2*v.Len()*(1+int(v.Type().Key().Size()+v.Type().Elem().Size()))
	for all := v.MapRange(); all.Next(); {
		size += referentSize(all.Key()) + referentSize(all.Value())
	}
	return size
}

// refers reports whether values of the type can refer to memory.
func refers(t reflect.Type) bool {
	return t.Kind() < reflect.Bool || t.Kind() > reflect.Complex128
}

// allocationSize estimates the size of an allocation: the allocator rounds up to size classes about an eighth apart.
func allocationSize(bytes int) int {
	if bytes == 0 {
		return 0
	}
	return bytes + bytes/16 + 8
}
