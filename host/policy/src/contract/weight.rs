//! What an instance of a core module takes of the host's own memory, which the
//! limit on linear memory does not see: wasmtime makes room for each global,
//! import and function. Together with the bound on instances this bounds it.

use wasmparser::{BinaryReaderError, ElementItems, ElementKind, Encoding, Parser, Payload};

/// Bytes of wasmtime's structures, as large as the largest of their kind.
const GLOBAL: usize = 16;
const FUNCTION: usize = 32;
const IMPORT: usize = 48;
const TAG: usize = 16;
const DATA: usize = 12;
/// For each segment, and for each element of one that is kept to be used later.
const SEGMENT: usize = 48;
const ELEMENT: usize = 16;

/// Bytes of the heaviest core module of a component.
pub(super) fn heaviest(component: &[u8]) -> Result<usize, BinaryReaderError> {
    let (mut heaviest, mut module) = (0, 0_usize);
    for payload in Parser::new(0).parse_all(component) {
        let more = match payload? {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } => {
                module = 0;
                0
            }
            Payload::ImportSection(section) => bytes(section.count(), IMPORT),
            Payload::FunctionSection(section) => bytes(section.count(), FUNCTION),
            Payload::GlobalSection(section) => bytes(section.count(), GLOBAL),
            Payload::TagSection(section) => bytes(section.count(), TAG),
            Payload::DataSection(section) => bytes(section.count(), DATA),
            Payload::ElementSection(section) => {
                let mut sum = bytes(section.count(), SEGMENT);
                for element in section {
                    let element = element?;
                    if !matches!(element.kind, ElementKind::Active { .. }) {
                        let elements = match element.items {
                            ElementItems::Functions(items) => items.count(),
                            ElementItems::Expressions(_, items) => items.count(),
                        };
                        sum = sum.saturating_add(bytes(elements, ELEMENT));
                    }
                }
                sum
            }
            _ => 0,
        };
        module = module.saturating_add(more);
        heaviest = heaviest.max(module);
    }
    Ok(heaviest)
}

fn bytes(count: u32, size: usize) -> usize {
    usize::try_from(count)
        .unwrap_or(usize::MAX)
        .saturating_mul(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(text: &str) -> usize {
        heaviest(&wat::parse_str(text).unwrap()).unwrap()
    }

    #[test]
    fn the_heaviest_module_counts_wherever_it_is() {
        let inner = r#"(core module
            (import "m" "f" (func))
            (global i32 (i32.const 0))
            (global i32 (i32.const 0))
            (func)
            (table 1 funcref)
            (elem func 0 1 0))"#;
        let one = IMPORT + 2 * GLOBAL + FUNCTION + SEGMENT + 3 * ELEMENT;
        let text = format!("(component (core module) (component {inner}) (core module (func)))");
        assert_eq!(weight(&text), one);
        assert_eq!(weight("(component)"), 0);
    }
}
