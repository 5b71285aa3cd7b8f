use proptest::prelude::*;

use super::*;

const LIMIT: usize = 1000;

fn stream(records: &[Vec<u8>]) -> Vec<u8> {
    let mut out = BytesMut::new();
    for record in records {
        encode(record, &mut out);
    }
    out.to_vec()
}

/// Decodes `bytes` cut at `cuts`.
fn decode(bytes: &[u8], cuts: &[usize]) -> Result<Vec<Vec<u8>>, Error> {
    let mut decoder = Decoder::new(LIMIT);
    let mut records = Vec::new();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    for pair in cuts.windows(2) {
        decoder.push(Bytes::copy_from_slice(&bytes[pair[0]..pair[1]]));
        while let Some(record) = decoder.next_record()? {
            records.push(record.to_vec());
        }
    }
    decoder.finish()?;
    Ok(records)
}

#[test]
fn every_single_and_double_split_gives_the_same_records() {
    let records = vec![
        b"{\"type\":\"HEARTBEAT\"}".to_vec(),
        vec![],
        b"12\n34".to_vec(),
    ];
    let bytes = stream(&records);
    for first in 0..=bytes.len() {
        for second in first..=bytes.len() {
            assert_eq!(
                decode(&bytes, &[first, second]).unwrap(),
                records,
                "{first} {second}"
            );
        }
    }
    let every: Vec<usize> = (0..bytes.len()).collect();
    assert_eq!(decode(&bytes, &every).unwrap(), records);
}

#[test]
fn wrong_streams_are_named() {
    for (bytes, message) in [
        (
            "x",
            "byte 0 of the stream: expected a record's length in decimal digits and a line feed, found byte 0x78",
        ),
        (
            "1\nA\n",
            "byte 3 of the stream: expected a record's length in decimal digits and a line feed, found a line feed with no digits before it",
        ),
        (
            "1001\n",
            "byte 4 of the stream: a record of 1001 bytes; the limit is 1000",
        ),
        ("99999999999999999999\n", "found '99999999999999999999'"),
        (
            "123456789012345678901",
            "byte 20 of the stream: expected a record's length in decimal digits and a line feed, found more than 20 digits",
        ),
        (
            "5\nabc",
            "the stream ended in a record: 3 of 5 bytes had come",
        ),
        ("5", "the stream ended in the length of a record: '5'"),
        ("5\r\nabcde", "found byte 0x0d"),
        ("-5\n", "found byte 0x2d"),
    ] {
        let every: Vec<usize> = (0..bytes.len()).collect();
        for cuts in [&[][..], &every[..]] {
            let error = decode(bytes.as_bytes(), cuts).unwrap_err().to_string();
            assert!(error.contains(message), "{bytes:?}: {error}");
        }
    }
}

#[test]
fn a_record_in_one_chunk_is_not_copied() {
    let mut decoder = Decoder::new(LIMIT);
    let chunk = Bytes::from_static(b"3\nabc3\ndef");
    let start = chunk.as_ptr() as usize;
    decoder.push(chunk);
    for offset in [2, 7] {
        let record = decoder.next_record().unwrap().unwrap();
        assert_eq!(record.as_ptr() as usize, start + offset);
    }
}

#[test]
fn a_large_record_takes_its_length_and_no_more() {
    const LARGE: usize = 64 << 20;
    let mut decoder = Decoder::new(LARGE);
    decoder.push(Bytes::from(format!("{LARGE}\n")));
    assert!(decoder.next_record().unwrap().is_none());
    let chunk = Bytes::from(vec![7u8; 1 << 16]);
    for sent in 1..=LARGE / chunk.len() {
        decoder.push(chunk.clone());
        let record = decoder.next_record().unwrap();
        if let Some((partial, _)) = &decoder.partial {
            assert!(partial.capacity() <= LARGE);
            // Never much more than has come.
            assert!(partial.capacity() <= (sent * chunk.len() * 2).max(GROWTH));
        } else {
            assert_eq!(record.unwrap().len(), LARGE);
        }
    }
}

proptest! {
    #[test]
    fn any_split_gives_the_same_records(
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        prop_assert_eq!(decode(&stream(&records), &cuts).unwrap(), records);
    }

    #[test]
    fn any_bytes_give_records_or_an_error_alike_for_each_split(
        bytes in prop::collection::vec(prop_oneof![Just(b'1'), Just(b'\n'), any::<u8>()], 0..60),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        prop_assert_eq!(decode(&bytes, &cuts), decode(&bytes, &[]));
    }
}
