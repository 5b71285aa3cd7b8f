// A policy that panics when it is asked who it is, as tests/guests/nameless does.
package main

import (
	"offerd"
	_ "offerd/gen/policy"
)

func describe() offerd.Description { panic("it has no name") }

func create(struct{}) (offerd.Policy, error) {
	return nil, offerd.Errorf("nobody gets here")
}

func init() {
	offerd.ExportDescribed(describe, struct{}{}, create)
}

func main() {}
