//! Value types as trees, to be compared and printed.

use std::fmt;

/// A type; names do not matter when types are compared.
#[derive(Debug)]
pub(super) struct Type {
    pub(super) name: Option<String>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// A primitive, or something that the contract does not use.
    Plain(String),
    List(Box<Type>),
    Option(Box<Type>),
    Result(Option<Box<Type>>, Option<Box<Type>>),
    Tuple(Vec<Type>),
    Record(Vec<(String, Type)>),
    /// Enums are variants without payloads here: to people they look alike, and
    /// where one stands for the other wasmtime still refuses it.
    Variant(Vec<(String, Option<Type>)>),
}

impl Type {
    pub(super) fn new(kind: Kind) -> Self {
        Self { name: None, kind }
    }

    /// The first place where `found` is not what is wanted, in words; `path`
    /// says where this type stands.
    pub(super) fn difference(&self, found: &Self, path: &str) -> Option<String> {
        match (&self.kind, &found.kind) {
            (Kind::Plain(wanted), Kind::Plain(found)) if wanted == found => None,
            (Kind::List(wanted), Kind::List(found)) => {
                wanted.difference(found, &format!("{path}[]"))
            }
            (Kind::Option(wanted), Kind::Option(found)) => {
                wanted.difference(found, &format!("{path}?"))
            }
            (Kind::Result(ok, err), Kind::Result(found_ok, found_err)) => {
                optional(ok.as_deref(), found_ok.as_deref(), &format!("{path}.ok")).or_else(|| {
                    optional(err.as_deref(), found_err.as_deref(), &format!("{path}.err"))
                })
            }
            (Kind::Tuple(wanted), Kind::Tuple(found)) if wanted.len() == found.len() => wanted
                .iter()
                .zip(found)
                .enumerate()
                .find_map(|(n, (wanted, found))| wanted.difference(found, &format!("{path}.{n}"))),
            (Kind::Record(wanted), Kind::Record(found)) => names(wanted, found, path, "fields")
                .or_else(|| {
                    let mut pairs = wanted.iter().zip(found);
                    pairs.find_map(|((name, wanted), (_, found))| {
                        wanted.difference(found, &format!("{path}.{name}"))
                    })
                }),
            (Kind::Variant(wanted), Kind::Variant(found)) => names(wanted, found, path, "cases")
                .or_else(|| {
                    let mut pairs = wanted.iter().zip(found);
                    pairs.find_map(|((name, wanted), (_, found))| {
                        optional(wanted.as_ref(), found.as_ref(), &format!("{path}.{name}"))
                    })
                }),
            _ => Some(format!("`{path}` must be {self}, and is {found}")),
        }
    }
}

fn optional(wanted: Option<&Type>, found: Option<&Type>, path: &str) -> Option<String> {
    match (wanted, found) {
        (None, None) => None,
        (Some(wanted), Some(found)) => wanted.difference(found, path),
        (Some(wanted), None) => Some(format!("`{path}` must have a {wanted}, and has nothing")),
        (None, Some(found)) => Some(format!("`{path}` must have nothing, and has a {found}")),
    }
}

/// Compares the names of fields or cases, which must come in the same order.
fn names<T, U>(
    wanted: &[(String, T)],
    found: &[(String, U)],
    path: &str,
    what: &str,
) -> Option<String> {
    let wanted: Vec<&str> = wanted.iter().map(|(name, _)| name.as_str()).collect();
    let found: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    let without = |list: &[&str], other: &[&str]| -> Vec<String> {
        let mut rest = list.to_vec();
        rest.retain(|name| !other.contains(name));
        rest.into_iter().map(str::to_owned).collect()
    };
    let missing = without(&wanted, &found);
    let extra = without(&found, &wanted);
    if !missing.is_empty() && !extra.is_empty() {
        Some(format!(
            "`{path}` lacks the {what} {} and has {} instead",
            missing.join(", "),
            extra.join(", ")
        ))
    } else if !missing.is_empty() {
        Some(format!("`{path}` lacks the {what} {}", missing.join(", ")))
    } else if !extra.is_empty() {
        Some(format!(
            "`{path}` has the {what} {} too many",
            extra.join(", ")
        ))
    } else if wanted != found {
        Some(format!("the {what} of `{path}` are in another order"))
    } else {
        None
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            return f.write_str(name);
        }
        match &self.kind {
            Kind::Plain(name) => f.write_str(name),
            Kind::List(element) => write!(f, "list<{element}>"),
            Kind::Option(inner) => write!(f, "option<{inner}>"),
            Kind::Result(None, None) => f.write_str("result"),
            Kind::Result(Some(ok), None) => write!(f, "result<{ok}>"),
            Kind::Result(None, Some(err)) => write!(f, "result<_, {err}>"),
            Kind::Result(Some(ok), Some(err)) => write!(f, "result<{ok}, {err}>"),
            Kind::Tuple(types) => {
                let types: Vec<String> = types.iter().map(ToString::to_string).collect();
                write!(f, "tuple<{}>", types.join(", "))
            }
            Kind::Record(fields) => {
                let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
                write!(f, "record {{ {} }}", names.join(", "))
            }
            Kind::Variant(cases) => {
                let names: Vec<&str> = cases.iter().map(|(name, _)| name.as_str()).collect();
                write!(f, "variant {{ {} }}", names.join(", "))
            }
        }
    }
}
