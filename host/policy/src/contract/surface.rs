//! What a component imports and exports, read from its bytes without compiling
//! it. The bodies of its functions are not looked at.

use std::collections::HashMap;

use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentDefinedType, ComponentDefinedTypeId, ComponentEntityType,
    ComponentFuncTypeId, ComponentInstanceTypeId, ComponentItem, ComponentValType,
};
use wasmparser::types::TypesRef;
use wasmparser::{Parser, Payload, ValidPayload, Validator, WasmFeatures};

use super::types::{Kind, Type};

#[derive(Debug)]
pub(super) struct Surface {
    pub(super) imports: Vec<(String, Item)>,
    pub(super) exports: Vec<(String, Item)>,
}

#[derive(Debug)]
pub(super) enum Item {
    Function(Function),
    /// An interface's functions and types.
    Instance(Vec<(String, Item)>),
    Type,
    Other(&'static str),
}

#[derive(Debug)]
pub(super) struct Function {
    pub(super) is_async: bool,
    pub(super) parameters: Vec<(String, Type)>,
    pub(super) result: Option<Type>,
}

impl Item {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Function(_) => "function",
            Self::Instance(_) => "interface",
            Self::Type => "type",
            Self::Other(kind) => kind,
        }
    }
}

impl Function {
    /// As in WIT: `decide: func(round: round) -> result<answer, string>`
    pub(super) fn show(&self, name: &str) -> String {
        let parameters: Vec<String> = self
            .parameters
            .iter()
            .map(|(name, ty)| format!("{name}: {ty}"))
            .collect();
        let result = match &self.result {
            Some(ty) => format!(" -> {ty}"),
            None => String::new(),
        };
        let is_async = if self.is_async { "async " } else { "" };
        format!("{name}: {is_async}func({}){result}", parameters.join(", "))
    }

    /// Where `found` differs from what is wanted; names of parameters do not
    /// matter.
    pub(super) fn difference(&self, found: &Self) -> Option<String> {
        if self.is_async != found.is_async {
            return Some("it must not be async".to_owned());
        }
        if self.parameters.len() != found.parameters.len() {
            return Some(format!(
                "it takes {} parameters, not {}",
                found.parameters.len(),
                self.parameters.len()
            ));
        }
        let pairs = self.parameters.iter().zip(&found.parameters);
        for ((name, wanted), (_, found)) in pairs {
            if let Some(difference) = wanted.difference(found, name) {
                return Some(difference);
            }
        }
        match (&self.result, &found.result) {
            (None, None) => None,
            (Some(wanted), Some(found)) => wanted.difference(found, "result"),
            (None, Some(_)) => Some("it must not have a result".to_owned()),
            (Some(_), None) => Some("its result is missing".to_owned()),
        }
    }
}

impl Surface {
    /// Of a component that is to be run.
    pub(super) fn of_component(bytes: &[u8]) -> Result<Self, String> {
        let parsed = parse(bytes)?;
        let types = parsed.types.as_ref();
        let mut reader = Reader::new(types);
        let mut surface = Self {
            imports: Vec::new(),
            exports: Vec::new(),
        };
        for name in parsed.imports {
            if let Some(item) = types.component_item_for_import(&name) {
                let item = reader.item(&name, item);
                surface.imports.push((name, item));
            }
        }
        for name in parsed.exports {
            if let Some(item) = types.component_item_for_export(&name) {
                let item = reader.item(&name, item);
                surface.exports.push((name, item));
            }
        }
        Ok(surface)
    }

    /// Of a world in binary form: a component whose one export is a component
    /// type whose one export is the world as a component type.
    pub(super) fn of_world(bytes: &[u8]) -> Result<Self, String> {
        let parsed = parse(bytes)?;
        let types = parsed.types.as_ref();
        let item = parsed
            .exports
            .first()
            .and_then(|name| types.component_item_for_export(name))
            .ok_or("it exports nothing")?;
        let outer = component_type(item).ok_or("its export is no component type")?;
        let item = types.get(outer).and_then(|t| t.exports.values().next());
        let world = item
            .and_then(component_type)
            .and_then(|id| types.get(id))
            .ok_or("its world is no component type")?;
        let mut reader = Reader::new(types);
        Ok(Self {
            imports: reader.items(world.imports.iter()),
            exports: reader.items(world.exports.iter()),
        })
    }
}

fn component_type(item: &ComponentItem) -> Option<wasmparser::component_types::ComponentTypeId> {
    match item.ty {
        ComponentEntityType::Component(id)
        | ComponentEntityType::Type {
            created: ComponentAnyTypeId::Component(id),
            ..
        } => Some(id),
        _ => None,
    }
}

struct Parsed {
    types: wasmparser::types::Types,
    imports: Vec<String>,
    exports: Vec<String>,
}

fn parse(bytes: &[u8]) -> Result<Parsed, String> {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_u32;
    let text = |e: wasmparser::BinaryReaderError| e.to_string();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(text)?;
        match &payload {
            Payload::Version { .. } => depth += 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section.clone() {
                    imports.push(import.map_err(text)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section.clone() {
                    exports.push(export.map_err(text)?.name.name.to_owned());
                }
            }
            _ => {}
        }
        // Functions come back to be checked one by one; wasmtime does that.
        if let ValidPayload::End(types) = validator.payload(&payload).map_err(text)? {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return Ok(Parsed {
                    types,
                    imports,
                    exports,
                });
            }
        }
    }
    Err("it ends too early".to_owned())
}

/// Turns wasmparser's types into ours. Types are named when they are imported or
/// exported, before they are used.
struct Reader<'a> {
    types: TypesRef<'a>,
    names: HashMap<ComponentDefinedTypeId, String>,
}

impl<'a> Reader<'a> {
    fn new(types: TypesRef<'a>) -> Self {
        Self {
            types,
            names: HashMap::new(),
        }
    }

    fn items<'i>(
        &mut self,
        items: impl Iterator<Item = (&'i String, &'i ComponentItem)>,
    ) -> Vec<(String, Item)> {
        items
            .map(|(name, item)| (name.clone(), self.item(name, item)))
            .collect()
    }

    fn item(&mut self, name: &str, item: &ComponentItem) -> Item {
        match item.ty {
            ComponentEntityType::Func(id) => self.function(id),
            ComponentEntityType::Instance(id) => self.instance(id),
            ComponentEntityType::Type {
                referenced,
                created,
            } => {
                for id in [referenced, created] {
                    if let ComponentAnyTypeId::Defined(id) = id {
                        self.names.insert(id, name.to_owned());
                    }
                }
                match created {
                    ComponentAnyTypeId::Resource(_) => Item::Other("resource"),
                    _ => Item::Type,
                }
            }
            ComponentEntityType::Module(_) => Item::Other("core module"),
            ComponentEntityType::Value(_) => Item::Other("value"),
            ComponentEntityType::Component(_) => Item::Other("component"),
        }
    }

    fn instance(&mut self, id: ComponentInstanceTypeId) -> Item {
        let types = self.types;
        match types.get(id) {
            Some(instance) => Item::Instance(self.items(instance.exports.iter())),
            None => Item::Other("interface"),
        }
    }

    fn function(&self, id: ComponentFuncTypeId) -> Item {
        let Some(function) = self.types.get(id) else {
            return Item::Other("function");
        };
        Item::Function(Function {
            is_async: function.async_,
            parameters: function
                .params
                .iter()
                .map(|(name, ty)| (name.to_string(), self.value(ty)))
                .collect(),
            result: function.result.as_ref().map(|ty| self.value(ty)),
        })
    }

    fn name(&self, mut id: ComponentDefinedTypeId) -> Option<String> {
        loop {
            if let Some(name) = self.names.get(&id) {
                return Some(name.clone());
            }
            id = self.types.peel_alias(id)?;
        }
    }

    fn value(&self, ty: &ComponentValType) -> Type {
        let id = match ty {
            ComponentValType::Primitive(primitive) => {
                return Type::new(Kind::Plain(primitive.to_string()));
            }
            ComponentValType::Type(id) => *id,
        };
        let kind = self.types.get(id).map_or_else(
            || Kind::Plain("?".to_owned()),
            |defined| self.defined(defined),
        );
        Type {
            name: self.name(id),
            kind,
        }
    }

    fn boxed(&self, ty: &ComponentValType) -> Box<Type> {
        Box::new(self.value(ty))
    }

    fn optional(&self, ty: Option<&ComponentValType>) -> Option<Box<Type>> {
        ty.map(|ty| self.boxed(ty))
    }

    fn defined(&self, ty: &ComponentDefinedType) -> Kind {
        match ty {
            ComponentDefinedType::Primitive(primitive) => Kind::Plain(primitive.to_string()),
            ComponentDefinedType::Record(record) => Kind::Record(
                record
                    .fields
                    .iter()
                    .map(|(name, ty)| (name.to_string(), self.value(ty)))
                    .collect(),
            ),
            ComponentDefinedType::Variant(variant) => Kind::Variant(
                variant
                    .cases
                    .iter()
                    .map(|(name, case)| {
                        let payload = case.ty.as_ref().map(|ty| self.value(ty));
                        (name.to_string(), payload)
                    })
                    .collect(),
            ),
            ComponentDefinedType::List { element, .. } => Kind::List(self.boxed(element)),
            ComponentDefinedType::Tuple(tuple) => {
                Kind::Tuple(tuple.types.iter().map(|ty| self.value(ty)).collect())
            }
            ComponentDefinedType::Enum(cases) => {
                Kind::Variant(cases.iter().map(|name| (name.to_string(), None)).collect())
            }
            ComponentDefinedType::Option { ty, .. } => Kind::Option(self.boxed(ty)),
            ComponentDefinedType::Result { ok, err, .. } => {
                Kind::Result(self.optional(ok.as_ref()), self.optional(err.as_ref()))
            }
            // The contract uses none of these.
            ComponentDefinedType::Flags(_) => Kind::Plain("flags".to_owned()),
            ComponentDefinedType::Own(_) => Kind::Plain("own<resource>".to_owned()),
            ComponentDefinedType::Borrow(_) => Kind::Plain("borrow<resource>".to_owned()),
            ComponentDefinedType::Map { .. } => Kind::Plain("map".to_owned()),
            ComponentDefinedType::FixedLengthList {
                element, length, ..
            } => Kind::Plain(format!("list<{}, {length}>", self.value(element))),
            ComponentDefinedType::Future { .. } => Kind::Plain("future".to_owned()),
            ComponentDefinedType::Stream { .. } => Kind::Plain("stream".to_owned()),
        }
    }
}
