//! A secret that all servers of a cluster share, and how one shows another that it knows it.

use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// Number of bytes that the hash function takes at once.
const BLOCK: usize = 64;

/// A secret that only the servers of a cluster know. It is never sent over a connection.
///
/// [Draw](Secret::draw) it once, for all servers, and keep its [text](Secret::to_hex) where only they can read it. Each of
/// them parses that text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

/// Proof of knowing the secret.
pub(crate) type Proof = [u8; 32];

/// A number that is used once, so that no proof can be used again.
pub(crate) type Nonce = [u8; 16];

/// Who shows that it knows the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prover {
    Caller,
    Called,
}

/// What a proof is about: it says nothing about any other connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim<'a> {
    pub(crate) by: Prover,
    pub(crate) callers_nonce: Nonce,
    pub(crate) called_nonce: Nonce,
    /// What the prover says of itself.
    pub(crate) said: &'a [u8],
}

impl Secret {
    /// A new random secret.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn draw() -> std::io::Result<Secret> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(Secret(bytes))
    }

    /// In hexadecimal digits, as [`Secret::from_str`] reads it.
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// HMAC-SHA256 (RFC 2104) of the claim.
    pub(crate) fn prove(&self, claim: Claim<'_>) -> Proof {
        let name: &[u8] = match claim.by {
            Prover::Caller => b"raft: the caller",
            Prover::Called => b"raft: the called",
        };
        // All parts but the last have a length of their own, so no two claims look alike.
        self.hmac(&[name, &claim.callers_nonce, &claim.called_nonce, claim.said])
    }

    /// Is that the proof of this claim? It takes equally long wherever they differ.
    pub(crate) fn is_proved(&self, claim: Claim<'_>, proof: Option<Proof>) -> bool {
        let expected = self.prove(claim);
        let differences = expected.iter().zip(proof.unwrap_or_default()).map(|(a, b)| a ^ b);
        let differs = std::hint::black_box(differences.fold(0, |all, one| all | one));
        proof.is_some() && differs == 0
    }

    fn hmac(&self, parts: &[&[u8]]) -> Proof {
        let padded = |with: u8| {
            let mut block = [with; BLOCK];
            block.iter_mut().zip(self.0).for_each(|(to, byte)| *to ^= byte);
            block
        };
        let mut inner = Sha256::new_with_prefix(padded(0x36));
        parts.iter().for_each(|part| inner.update(part));
        Sha256::new_with_prefix(padded(0x5c)).chain_update(inner.finalize()).finalize().into()
    }
}

impl fmt::Debug for Secret {
    /// Says nothing of what it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// This is no secret: it needs 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret has 64 hexadecimal digits")]
pub struct InvalidSecret;

impl FromStr for Secret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Secret, InvalidSecret> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidSecret);
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).map_err(|_| InvalidSecret)?;
        }
        Ok(Secret(bytes))
    }
}

/// A number that was never used before.
pub(crate) fn nonce() -> Nonce {
    let mut nonce = Nonce::default();
    getrandom::fill(&mut nonce).expect("the system has randomness");
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(by: Prover, callers_nonce: u8, said: &[u8]) -> Claim<'_> {
        Claim { by, callers_nonce: [callers_nonce; 16], called_nonce: [9; 16], said }
    }

    /// RFC 4231, test case 2, with its key filled up with zeroes, as the algorithm does.
    #[test]
    fn it_is_hmac_sha256() {
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let mac = Secret(key).hmac(&[b"what do ya want ", b"for nothing?"]);
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn a_proof_is_good_for_one_claim() {
        let secret = Secret([7; 32]);
        let proof = secret.prove(claim(Prover::Caller, 1, b"n1"));
        assert!(secret.is_proved(claim(Prover::Caller, 1, b"n1"), Some(proof)));
        assert!(!secret.is_proved(claim(Prover::Caller, 1, b"n1"), None));
        assert!(!secret.is_proved(claim(Prover::Called, 1, b"n1"), Some(proof)));
        assert!(!secret.is_proved(claim(Prover::Caller, 2, b"n1"), Some(proof)));
        assert!(!secret.is_proved(claim(Prover::Caller, 1, b"n2"), Some(proof)));
        assert!(!Secret([8; 32]).is_proved(claim(Prover::Caller, 1, b"n1"), Some(proof)));
        for bit in 0..256 {
            let mut flipped = proof;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!secret.is_proved(claim(Prover::Caller, 1, b"n1"), Some(flipped)));
        }
    }

    #[test]
    fn it_is_read_as_it_was_written_and_never_shown_by_accident() {
        let secret = Secret::draw().unwrap();
        assert_eq!(secret.to_hex().parse(), Ok(secret.clone()));
        assert!(!format!("{secret:?}").contains(&secret.to_hex()[..4]));
        for text in ["", "12", &"g".repeat(64), &"1".repeat(63), &"+1".repeat(32)] {
            assert_eq!(text.parse::<Secret>(), Err(InvalidSecret), "{text}");
        }
    }
}
