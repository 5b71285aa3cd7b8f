// Package stateful_policy exports a policy as a component of the world `stateful-policy`.
package stateful_policy
