//! Protobuf's fields, read and written without types: for the few messages that
//! come or go by the hundred thousand.

/// The value of a field.
pub(super) enum Field<'a> {
    Number(u64),
    Double(f64),
    Bytes(&'a [u8]),
}

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH: u64 = 2;

/// The next field of a message and its number, if it is of one of these kinds.
pub(super) fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let key = varint(rest)?;
    let value = match key & 7 {
        VARINT => Field::Number(varint(rest)?),
        FIXED64 => {
            let (bytes, after) = rest.split_first_chunk()?;
            *rest = after;
            Field::Double(f64::from_le_bytes(*bytes))
        }
        LENGTH => {
            let length = usize::try_from(varint(rest)?).ok()?;
            let (bytes, after) = rest.split_at_checked(length)?;
            *rest = after;
            Field::Bytes(bytes)
        }
        _ => return None,
    };
    Some((key >> 3, value))
}

/// The bytes of field 1 of a message that has nothing else, as ids and names do.
pub(super) fn only(mut message: &[u8]) -> Option<&[u8]> {
    match field(&mut message)? {
        (1, Field::Bytes(bytes)) if message.is_empty() => Some(bytes),
        _ => None,
    }
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    // Most are of one byte.
    if let Some((byte, after)) = rest.split_first()
        && *byte < 0x80
    {
        *rest = after;
        return Some(u64::from(*byte));
    }
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            // The tenth byte has room for one bit.
            return (shift < 63 || *byte <= 1).then_some(value);
        }
    }
    None
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn put_number(out: &mut Vec<u8>, number: u64, value: u64) {
    put_varint(out, number << 3 | VARINT);
    put_varint(out, value);
}

pub(super) fn put_double(out: &mut Vec<u8>, number: u64, value: f64) {
    put_varint(out, number << 3 | FIXED64);
    out.extend_from_slice(&value.to_le_bytes());
}

pub(super) fn put_bytes(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    put_varint(out, number << 3 | LENGTH);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A message within a message. Its length stands before it and is known after
/// it, so the body moves up by the bytes of its length.
pub(super) fn put_message(out: &mut Vec<u8>, number: u64, body: impl FnOnce(&mut Vec<u8>)) {
    put_varint(out, number << 3 | LENGTH);
    let start = out.len();
    // One byte is enough for most.
    out.push(0);
    body(out);
    let length = out.len() - start - 1;
    if let (Ok(length @ 0..0x80), Some(place)) = (u8::try_from(length), out.get_mut(start)) {
        *place = length;
        return;
    }
    // As many bytes as the length has groups of seven bits.
    let mut groups = [0; 10];
    let mut used = 0;
    let mut left = length;
    for group in &mut groups {
        *group = (left & 0x7f) as u8 | 0x80;
        left >>= 7;
        used += 1;
        if left == 0 {
            *group &= 0x7f;
            break;
        }
    }
    out.splice(start..=start, groups.into_iter().take(used));
}

/// A message with a text in field 1, as ids and names are.
pub(super) fn put_id(out: &mut Vec<u8>, number: u64, id: &str) {
    put_message(out, number, |out| put_bytes(out, 1, id.as_bytes()));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_put_is_read(number in 1u64..1000, value: u64, double: f64, bytes: Vec<u8>) {
            let mut out = Vec::new();
            put_number(&mut out, number, value);
            put_double(&mut out, number, double);
            put_bytes(&mut out, number, &bytes);
            let mut rest = out.as_slice();
            let Some((n, Field::Number(found))) = field(&mut rest) else { panic!() };
            prop_assert_eq!((n, found), (number, value));
            let Some((_, Field::Double(found))) = field(&mut rest) else { panic!() };
            prop_assert_eq!(found.to_bits(), double.to_bits());
            let Some((_, Field::Bytes(found))) = field(&mut rest) else { panic!() };
            prop_assert_eq!(found, bytes.as_slice());
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn a_message_of_any_length_is_put_as_its_bytes(length in 0usize..20_000) {
            let bytes = vec![7; length];
            let mut expected = vec![1, 2, 3];
            let mut out = expected.clone();
            put_bytes(&mut expected, 5, &bytes);
            put_message(&mut out, 5, |out| out.extend_from_slice(&bytes));
            prop_assert_eq!(out, expected);
        }

        #[test]
        fn any_bytes_are_read_or_not(bytes: Vec<u8>) {
            let mut rest = bytes.as_slice();
            while !rest.is_empty() && field(&mut rest).is_some() {}
        }
    }
}
