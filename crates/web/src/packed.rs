//! The lab in one file: a page that unpacks the real one, and has the engine too. Packed, it can be mailed.

use crate::built::ENGINE;
use miniz_oxide::deflate::compress_to_vec;

/// The page that unpacks, with a place for each of the two.
const UNPACKS: &str = include_str!("packed.html");

/// The highest level of compression.
const SMALLEST: u8 = 10;

/// This page and the engine, in one page.
pub(crate) fn packed(page: &str) -> String {
    let page = in_base_85(&compress_to_vec(page.as_bytes(), SMALLEST));
    let place = |id: &str| format!(r#"id="{id}"></script>"#);
    let filled = |id: &str, text: &str| format!(r#"id="{id}">{text}</script>"#);
    UNPACKS.replacen(&place("raft-page"), &filled("raft-page", &page), 1).replacen(
        &place("raft-engine"),
        &filled("raft-engine", &in_base_85(ENGINE)),
        1,
    )
}

/// Five characters for four bytes: the digits of Ascii85 from `!` to `u`, but `v` in the place of `<`, which could end the
/// element that the text is in.
fn in_base_85(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(4) * 5);
    for group in bytes.chunks(4) {
        let mut word = [0; 4];
        word[..group.len()].copy_from_slice(group);
        let word = u32::from_be_bytes(word);
        for power in (0..5).rev().take(group.len() + 1) {
            let digit = char::from(b'!' + (word / 85u32.pow(power) % 85) as u8);
            text.push(if digit == '<' { 'v' } else { digit });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use miniz_oxide::inflate::decompress_to_vec;

    /// As the page does it.
    fn bytes_of(text: &str) -> Vec<u8> {
        let mut bytes: Vec<u8> = Vec::new();
        for group in text.as_bytes().chunks(5) {
            let digit = |place| match group.get(place).unwrap_or(&b'u') {
                b'v' => b'<' - b'!',
                digit => digit - b'!',
            };
            let word = (0..5).fold(0, |word, place| word * 85 + u64::from(digit(place)));
            bytes.extend(u32::try_from(word).unwrap().to_be_bytes());
        }
        bytes.truncate(text.len() * 4 / 5);
        bytes
    }

    fn element<'a>(page: &'a str, id: &str) -> &'a str {
        let (_, rest) = page.split_once(&format!(r#"id="{id}">"#)).unwrap();
        rest.split_once("</script>").unwrap().0
    }

    #[test]
    fn base_85_is_read_as_it_was_written() {
        let mut random = fastrand::Rng::with_seed(1);
        for length in 0..200 {
            for bytes in [vec![0; length], vec![255; length], (0..length).map(|_| random.u8(..)).collect()] {
                let text = in_base_85(&bytes);
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
