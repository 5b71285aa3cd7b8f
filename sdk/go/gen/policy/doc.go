// Package policy exports a policy as a component of the world `policy`.
package policy
