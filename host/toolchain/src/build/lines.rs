//! Which source line each line of a JavaScript bundle comes from.
//!
//! Stacks name lines of the bundle. esbuild's source map says where those come
//! from, but it is nearly as large as the bundle, and QuickJS's columns are too
//! coarse to use more than lines of it. So the component carries a table of the
//! lines only; `src/lines.js` of the SDK reads it when it reports an error.

use serde_json::{Value, json};

/// What stands before a line in a stack. componentize-qjs gives the bundle that name.
const FRAME: &str = "(/policy.js:";

/// The lines of a bundle.
pub(super) struct Lines {
    /// Names of the sources, as they are to be shown.
    sources: Vec<String>,
    /// Where each line comes from; `None` before the first that comes from a source.
    places: Vec<Option<Place>>,
}

impl Lines {
    /// Reads a source map; `shown` makes the name to be shown of a source as it stands in
    /// the map. `None` if the map cannot be understood.
    pub(super) fn read(map: &str, shown: impl Fn(&str) -> String) -> Option<Self> {
        let map: Value = serde_json::from_str(map).ok()?;
        let sources = map.get("sources")?.as_array()?.iter();
        let sources = sources.map(|source| source.as_str().map(&shown));
        let sources: Vec<String> = sources.collect::<Option<_>>()?;
        let mut places = places(map.get("mappings")?.as_str()?)?;
        let mut before = None;
        for place in &mut places {
            // Such as the end of a text over several lines.
            *place = place.or(before.map(Place::next));
            before = *place;
        }
        let known = |place: &Place| place.source < sources.len();
        if !places.iter().flatten().all(known) {
            return None;
        }
        Some(Self { sources, places })
    }

    fn source(&self, place: Place) -> &str {
        self.sources.get(place.source).map_or("", String::as_str)
    }

    /// What is put at the end of the bundle, where no other line changes its number.
    ///
    /// The table is a text, so that it costs nothing until it is read. It is JSON with a
    /// list for each part of the bundle that comes from one source: the source's name, and
    /// then pairs of a line of the bundle and its line in the source, both from 1. Lines
    /// between two pairs follow one another in both files.
    pub(super) fn table(&self) -> String {
        let mut parts: Vec<Vec<Value>> = Vec::new();
        let mut before: Option<Place> = None;
        for (line, place) in (1..).zip(&self.places) {
            let Some(place) = *place else { continue };
            if before.is_none_or(|before| before.source != place.source) {
                parts.push(vec![json!(self.source(place))]);
            }
            if before.map(Place::next) != Some(place)
                && let Some(part) = parts.last_mut()
            {
                part.extend([json!(line), json!(place.line)]);
            }
            before = Some(place);
        }
        let text = Value::String(json!(parts).to_string());
        format!("globalThis.offerdLines = {text};\n")
    }

    /// A text with the sources' lines in its stacks.
    pub(super) fn in_sources(&self, text: &str) -> String {
        let mut parts = text.split(FRAME);
        let mut shown = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            match self.frame(part) {
                Some((place, rest)) => shown.extend(["(", &place, rest]),
                None => shown.extend([FRAME, part]),
            }
        }
        shown
    }

    /// Of `12:34) ...` the line in the source, and what comes after the column.
    fn frame<'a>(&self, text: &'a str) -> Option<(String, &'a str)> {
        let end = text.find(')')?;
        let (place, rest) = text.split_at(end);
        let (line, column) = place.split_once(':')?;
        let (line, _): (usize, usize) = (line.parse().ok()?, column.parse().ok()?);
        let place = (*self.places.get(line.checked_sub(1)?)?)?;
        Some((format!("{}:{}", self.source(place), place.line), rest))
    }
}

/// A line of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// Index into the map's sources.
    source: usize,
    /// From 1.
    line: usize,
}

impl Place {
    fn next(self) -> Self {
        let line = self.line + 1;
        Self { line, ..self }
    }
}

/// Where each line of the bundle begins in the sources.
///
/// Mappings are lines, divided by semicolons, of segments, divided by commas. A segment
/// has a column of the bundle and, if its text has a source: the source, the line and the
/// column there. All are differences to the segment before.
fn places(mappings: &str) -> Option<Vec<Option<Place>>> {
    let (mut source, mut line) = (0, 0);
    let mut places = Vec::new();
    for segments in mappings.split(';') {
        let mut first = None;
        for segment in segments.split(',').filter(|segment| !segment.is_empty()) {
            if let [_, source_step, line_step, ..] = numbers(segment)?[..] {
                source += source_step;
                line += line_step;
                first = first.or(Some((source, line)));
            }
        }
        places.push(match first {
            Some((source, line)) => Some(Place {
                source: usize::try_from(source).ok()?,
                line: usize::try_from(line).ok()? + 1,
            }),
            None => None,
        });
    }
    Some(places)
}

/// The numbers of a segment. Each letter is six bits of base 64: five of the number,
/// the lowest first, and whether more follow; the lowest bit of all is the sign.
fn numbers(segment: &str) -> Option<Vec<i64>> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut numbers = Vec::new();
    let (mut bits, mut shift) = (0_u32, 0);
    for letter in segment.chars() {
        let letter = u32::try_from(LETTERS.find(letter)?).ok()?;
        bits |= (letter & 0b1_1111).checked_shl(shift)?;
        shift += 5;
        if letter & 0b10_0000 == 0 {
            let size = i64::from(bits >> 1);
            numbers.push(if bits & 1 == 1 { -size } else { size });
            (bits, shift) = (0, 0);
        }
    }
    Some(numbers)
}

/// A source as a path: esbuild writes it like a part of a URL, with `%20` for a space.
pub(super) fn path(source: &str) -> String {
    let mut parts = source.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let code = part.get(..2);
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(part.bytes().skip(2));
            }
            None => {
                bytes.push(b'%');
                bytes.extend(part.bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mappings: &str) -> Option<Lines> {
        let map = json!({ "sources": ["a.js", "b \"c\".js"], "mappings": mappings });
        Lines::read(&map.to_string(), |name| format!("src/{name}"))
    }

    /// The table in what is put at the bundle's end.
    fn parts(lines: &Lines) -> Value {
        let end = lines.table();
        assert_eq!(end.lines().count(), 1);
        let text = end.strip_prefix("globalThis.offerdLines = ").unwrap();
        let text: String = serde_json::from_str(text.strip_suffix(";\n").unwrap()).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_table_names_lines_that_do_not_follow_the_one_before() {
        // Line 1 is a comment; 2 and 3 are lines 4 and 5 of a.js, 4 has no mapping, 5 is
        // line 7 and goes on in line 9, 6 is line 2; 8 and 9 are lines 1 and 2 of the other.
        let lines = of(";AAGA;AACA,IAAI;;AAEA,SAEA;AAPA;;ACDA;AACA").unwrap();
        let expected = json!([["src/a.js", 2, 4, 6, 2], ["src/b \"c\".js", 8, 1]]);
        assert_eq!(parts(&lines), expected);
    }

    #[test]
    fn a_source_that_comes_again_is_a_part_again() {
        let lines = of("AAAA;ACAA;ADCA").unwrap();
        let expected = json!([
            ["src/a.js", 1, 1],
            ["src/b \"c\".js", 2, 1],
            ["src/a.js", 3, 2]
        ]);
        assert_eq!(parts(&lines), expected);
    }

    #[test]
    fn a_bundle_without_sources_has_no_parts() {
        assert_eq!(parts(&of(";;A").unwrap()), json!([]));
    }

    #[test]
    fn stacks_get_the_lines_of_the_sources_where_these_are_known() {
        let lines = of(";AAGA;;ACDA").unwrap();
        let said = "TypeError: (odd)
    at f (/policy.js:2:7)
    at map (native)
    at g (/policy.js:3:1)
    at h (/policy.js:4:1)
    at (/policy.js:1:1) (/policy.js:99:1) (/policy.js:0:1) (/policy.js:2:x) (/policy.js:2";
        let shown = "TypeError: (odd)
    at f (src/a.js:4)
    at map (native)
    at g (src/a.js:5)
    at h (src/b \"c\".js:3)
    at (/policy.js:1:1) (/policy.js:99:1) (/policy.js:0:1) (/policy.js:2:x) (/policy.js:2";
        assert_eq!(lines.in_sources(said), shown);
    }

    #[test]
    fn numbers_are_read_as_the_format_says() {
        assert_eq!(numbers("AACD").unwrap(), [0, 0, 1, -1]);
        assert_eq!(numbers("gBhBw+B").unwrap(), [16, -16, 1000]);
        assert_eq!(numbers("A?"), None);
        assert_eq!(numbers("ggggggggggggB"), None);
    }

    #[test]
    fn what_is_no_map_gives_none() {
        for map in ["", "{}", r#"{"sources":[],"mappings":"AAAA"}"#] {
            assert!(Lines::read(map, str::to_owned).is_none(), "{map}");
        }
        for mappings in ["AADA", "ADAA", "AEAA", "AA!A"] {
            assert!(of(mappings).is_none(), "{mappings}");
        }
    }

    #[test]
    fn sources_are_read_as_paths() {
        assert_eq!(path("../src/policy.js"), "../src/policy.js");
        assert_eq!(path("od%25d%20n%C3%A4me.js"), "od%d näme.js");
        assert_eq!(path("100%.js%4"), "100%.js%4");
    }
}
