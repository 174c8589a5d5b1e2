//! The lab in one file: a page that unpacks the real one, and has the engine too. Packed, it can be mailed.

use crate::built::ENGINE;
use miniz_oxide::deflate::compress_to_vec;

/// The page that unpacks, with a place for each of the two.
const UNPACKS: &str = include_str!("packed.html");

/// The highest level of compression.
const SMALLEST: u8 = 10;

/// This page and the engine, in one page.
pub(crate) fn packed(page: &str) -> String {
    let page = in_base_91(&compress_to_vec(page.as_bytes(), SMALLEST));
    let place = |id: &str| format!(r#"id="{id}"></script>"#);
    let filled = |id: &str, text: &str| format!(r#"id="{id}">{text}</script>"#);
    UNPACKS.replacen(&place("raft-page"), &filled("raft-page", &page), 1).replacen(
        &place("raft-engine"),
        &filled("raft-engine", &in_base_91(ENGINE)),
        1,
    )
}

/// Two characters for 13 bits: digits of base 91, from `!` to `{`, but `|` in the place of `<`, which could end the element
/// that the text is in. What is left at the end takes one character if that is enough.
fn in_base_91(bytes: &[u8]) -> String {
    let digit = |value: u32| match char::from(b'!' + (value % 91) as u8) {
        '<' => '|',
        digit => digit,
    };
    let mut text = String::with_capacity(bytes.len() * 16 / 13 + 2);
    let (mut bits, mut count) = (0, 0);
    for &byte in bytes {
        bits |= u32::from(byte) << count;
        count += 8;
        if count >= 13 {
            let pair = bits & 0x1fff;
            text.extend([digit(pair), digit(pair / 91)]);
            bits >>= 13;
            count -= 13;
        }
    }
    if count > 0 {
        text.push(digit(bits));
    }
    if count > 6 {
        text.push(digit(bits / 91));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use miniz_oxide::inflate::decompress_to_vec;

    /// As the page does it.
    fn bytes_of(text: &str) -> Vec<u8> {
        let digit = |character: u8| u32::from(if character == b'|' { b'<' } else { character } - b'!');
        let (mut bytes, mut bits, mut count) = (Vec::new(), 0, 0);
        for pair in text.as_bytes().chunks(2) {
            let high = pair.get(1).map_or(0, |&character| digit(character));
            bits |= (digit(pair[0]) + 91 * high) << count;
            count += if pair.len() == 2 { 13 } else { 6 };
            while count >= 8 {
                bytes.push((bits & 255) as u8);
                bits >>= 8;
                count -= 8;
            }
        }
        bytes
    }

    fn element<'a>(page: &'a str, id: &str) -> &'a str {
        let (_, rest) = page.split_once(&format!(r#"id="{id}">"#)).unwrap();
        rest.split_once("</script>").unwrap().0
    }

    #[test]
    fn base_91_is_read_as_it_was_written() {
        let mut random = fastrand::Rng::with_seed(1);
        for length in 0..200 {
            for bytes in [vec![0; length], vec![255; length], (0..length).map(|_| random.u8(..)).collect()] {
                let text = in_base_91(&bytes);
                assert_eq!(bytes_of(&text), bytes);
                assert!(!text.contains('<'));
            }
        }
    }

    #[test]
    fn a_packed_page_holds_the_page_and_the_engine() {
        let packed = packed("<!doctype html><p>é");
        let page = decompress_to_vec(&bytes_of(element(&packed, "raft-page"))).unwrap();
        assert_eq!(String::from_utf8(page).unwrap(), "<!doctype html><p>é");
        assert_eq!(bytes_of(element(&packed, "raft-engine")), ENGINE);
    }
}
