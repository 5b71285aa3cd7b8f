package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	cluster "offerd/gen/offerd_policy_cluster"
	types "offerd/gen/offerd_policy_types"
)

// Names of the cases of enums, by record and field: Go has numbers for them.
var enums = map[string][]string{
	"Reservation.Kind": {"fixed", "dynamic"},
	"DiskSource.Kind":  {"unknown", "path", "mount", "block", "raw"},
	"JobDetails.Kind":  {"service", "batch"},
}

// text is JSON of what all languages show: records as objects, none as null, enums as the names
// of their cases, variants as {"case": value}, 64-bit numbers as decimal text, bytes as an array
// of numbers.
func text(seen ...any) string {
	shown := make([]any, len(seen))
	for at, value := range seen {
		shown[at] = plain(reflect.ValueOf(value))
	}
	bytes, err := json.Marshal(shown)
	if err != nil {
		panic(err)
	}
	return string(bytes)
}

func plain(value reflect.Value) any {
	if !value.IsValid() {
		return nil
	}
	switch known := value.Interface().(type) {
	case types.ResourceValue:
		return resourceValue(known)
	case cluster.AttributeValue:
		return attributeValue(known)
	case types.Event:
		return event(known)
	case uint64:
		return strconv.FormatUint(known, 10)
	}
	switch value.Kind() {
	case reflect.Pointer:
		if value.IsNil() {
			return nil
		}
		return plain(value.Elem())
	case reflect.Slice:
		items := make([]any, value.Len())
		for at := range items {
			items[at] = plain(value.Index(at))
		}
		return items
	case reflect.Struct:
		return record(value)
	}
	return value.Interface()
}

func record(value reflect.Value) any {
	// An option.
	if is := value.MethodByName("IsSome"); is.IsValid() {
		if !is.Call(nil)[0].Bool() {
			return nil
		}
		return plain(value.MethodByName("Some").Call(nil)[0])
	}
	fields := map[string]any{}
	for at := range value.NumField() {
		name := value.Type().Field(at).Name
		if cases, ok := enums[value.Type().Name()+"."+name]; ok {
			fields[snake(name)] = cases[value.Field(at).Uint()]
		} else {
			fields[snake(name)] = plain(value.Field(at))
		}
	}
	return fields
}

func snake(name string) string {
	var made strings.Builder
	for at, letter := range name {
		if unicode.IsUpper(letter) && at > 0 {
			made.WriteByte('_')
		}
		made.WriteRune(unicode.ToLower(letter))
	}
	return made.String()
}

func one(name string, value any) any {
	return map[string]any{name: plain(reflect.ValueOf(value))}
}

func resourceValue(value types.ResourceValue) any {
	switch value.Tag() {
	case types.ResourceValue_Scalar:
		return one("scalar", value.Scalar())
	case types.ResourceValue_Ranges:
		return one("ranges", value.Ranges())
	default:
		return one("items", value.Items())
	}
}

func attributeValue(value cluster.AttributeValue) any {
	switch value.Tag() {
	case cluster.AttributeValue_Text:
		return one("text", value.Text())
	case cluster.AttributeValue_Scalar:
		return one("scalar", value.Scalar())
	case cluster.AttributeValue_Ranges:
		return one("ranges", value.Ranges())
	default:
		return one("items", value.Items())
	}
}

func event(event types.Event) any {
	switch event.Tag() {
	case types.Event_Subscribed:
		return one("subscribed", event.Subscribed())
	case types.Event_Disconnected:
		return one("disconnected", event.Disconnected())
	case types.Event_Operation:
		return one("operation", event.Operation())
	case types.Event_Message:
		return one("message", event.Message())
	case types.Event_Failure:
		return one("failure", event.Failure())
	case types.Event_Error:
		return one("error", event.Error())
	case types.Event_InverseOffers:
		return one("inverse_offers", event.InverseOffers())
	case types.Event_InverseOfferRescinded:
		return one("inverse_offer_rescinded", event.InverseOfferRescinded())
	case types.Event_Timer:
		return one("timer", event.Timer())
	case types.Event_Refused:
		return one("refused", event.Refused())
	case types.Event_Other:
		return one("other", event.Other())
	}
	panic(fmt.Sprintf("event %d", event.Tag()))
}
