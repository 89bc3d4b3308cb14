package store

import (
	"reflect"
	"time"
)

// footprint is about how many bytes of memory a decoded record takes. Its encoding may
// have a tenth of that: a map of short strings, for one.
func footprint(v any) int {
	of := reflect.ValueOf(v)
	return allocated(int(of.Type().Size())) + referred(of)
}

var timeType = reflect.TypeFor[time.Time]()

// referred is what a value refers to.
func referred(v reflect.Value) (size int) {
	switch v.Kind() {
	case reflect.String:
		return allocated(v.Len())
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice {
			size = allocated(v.Cap() * int(v.Type().Elem().Size()))
		}
		if refers(v.Type().Elem()) {
			for i := range v.Len() {
				size += referred(v.Index(i))
			}
		}
	case reflect.Map:
		return referredByMap(v)
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			size = allocated(int(v.Elem().Type().Size())) + referred(v.Elem())
		}
	case reflect.Struct:
		if v.Type() == timeType {
			return 0 // to a time zone, which all share
		}
		for i := range v.NumField() {
			size += referred(v.Field(i))
		}
	}
	return size
}

// referredByMap counts two slots for each entry, because a map grows by doubling, and a
// control byte for each slot.
func referredByMap(v reflect.Value) int {
	if v.IsNil() {
		return 0
	}
	size := 64 + 2*v.Len()*(1+int(v.Type().Key().Size()+v.Type().Elem().Size()))
	for all := v.MapRange(); all.Next(); {
		size += referred(all.Key()) + referred(all.Value())
	}
	return size
}

// refers reports whether values of a type may refer to memory.
func refers(t reflect.Type) bool {
	return t.Kind() < reflect.Bool || t.Kind() > reflect.Complex128
}

// allocated is what an object of some bytes takes: the allocator has sizes of its own,
// an eighth apart.
func allocated(bytes int) int {
	if bytes == 0 {
		return 0
	}
	return bytes + bytes/16 + 8
}
