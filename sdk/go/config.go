package offerd

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// configured reads settings from the JSON text of a `config` table over the defaults.
func configured[S any](settings S, text string) (S, error) {
	if raw, ok := any(&settings).(*string); ok {
		*raw = text
		return settings, nil
	}
	if !json.Valid([]byte(text)) {
		return settings, Errorf("the config is not JSON: %s", text)
	}
	if err := read("config", json.RawMessage(text), reflect.ValueOf(&settings).Elem()); err != nil {
		return settings, err
	}
	return settings, nil
}

// Reads one setting. What is not in a table keeps its default.
func read(path string, written json.RawMessage, into reflect.Value) error {
	switch into.Kind() {
	case reflect.Struct:
		return readTable(path, written, into)
	case reflect.Slice:
		var items []json.RawMessage
		if json.Unmarshal(written, &items) != nil {
			return Errorf("%s: %s is no list", path, written)
		}
		list := reflect.MakeSlice(into.Type(), len(items), len(items))
		for at, item := range items {
			if err := read(path+"["+strconv.Itoa(at)+"]", item, list.Index(at)); err != nil {
				return err
			}
		}
		into.Set(list)
		return nil
	}
	if string(bytes.TrimSpace(written)) == "null" || json.Unmarshal(written, into.Addr().Interface()) != nil {
		return Errorf("%s: %s is not %s", path, written, kindOf(into.Type()))
	}
	return nil
}

func readTable(path string, written json.RawMessage, into reflect.Value) error {
	var members map[string]json.RawMessage
	if json.Unmarshal(written, &members) != nil || members == nil {
		return Errorf("%s: %s is no table", path, written)
	}
	var known []string
	for at := range into.NumField() {
		name := nameOf(into.Type().Field(at))
		known = append(known, name)
		if member, ok := members[name]; ok {
			if err := read(path+"."+name, member, into.Field(at)); err != nil {
				return err
			}
			delete(members, name)
		}
	}
	unknown := ""
	for name := range members {
		if unknown == "" || name < unknown {
			unknown = name
		}
	}
	if unknown == "" {
		return nil
	}
	names := "there are none"
	if len(known) > 0 {
		names = "known are `" + strings.Join(known, "`, `") + "`"
	}
	return Errorf("%s.%s: there is no such setting; %s", path, unknown, names)
}

func nameOf(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	if name == "" {
		name = strings.ToLower(field.Name)
	}
	return name
}

func kindOf(kind reflect.Type) string {
	switch kind.Kind() {
	case reflect.Bool:
		return "a boolean"
	case reflect.String:
		return "a string"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number from 0"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	}
	return "right here"
}
