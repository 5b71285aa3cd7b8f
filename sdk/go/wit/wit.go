// Package wit has what the contract's records are made of besides Go's own types.
package wit

const (
	OptionNone = 0
	OptionSome = 1
	ResultOk   = 0
	ResultErr  = 1
)

// Option is a value or none.
type Option[T any] struct {
	tag   uint8
	value T
}

// Some is an option with a value.
func Some[T any](value T) Option[T] { return Option[T]{OptionSome, value} }

// None is an option without a value.
func None[T any]() Option[T] { return Option[T]{} }

// Tag is OptionNone or OptionSome.
func (option Option[T]) Tag() uint8 { return option.tag }

// IsSome says whether there is a value.
func (option Option[T]) IsSome() bool { return option.tag == OptionSome }

// IsNone says whether there is no value.
func (option Option[T]) IsNone() bool { return option.tag == OptionNone }

// Some is the value; it panics if there is none.
func (option Option[T]) Some() T {
	if option.tag != OptionSome {
		panic("there is no value")
	}
	return option.value
}

// Or is the value, or another one if there is none.
func (option Option[T]) Or(other T) T {
	if option.tag != OptionSome {
		return other
	}
	return option.value
}

// Unit is no value at all.
type Unit struct{}

// Result is what a call gives: a value or an error.
type Result[T, E any] struct {
	tag   uint8
	value T
	err   E
}

// Ok is a call that went well.
func Ok[T, E any](value T) Result[T, E] { return Result[T, E]{tag: ResultOk, value: value} }

// Err is a call that failed.
func Err[T, E any](err E) Result[T, E] { return Result[T, E]{tag: ResultErr, err: err} }

// Tag is ResultOk or ResultErr.
func (result Result[T, E]) Tag() uint8 { return result.tag }

// Ok is the value of a call that went well.
func (result Result[T, E]) Ok() T { return result.value }

// Err is the error of a call that failed.
func (result Result[T, E]) Err() E { return result.err }
