//! What an answer rests on: the page, an inference, or a numbered choice of ours.

use std::fmt;

/// The number of one of our choices, as `/_emulator/fidelity` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct A(pub(crate) u8);

/// The choices that one answer needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Assumptions(u64);

impl Assumptions {
    pub(crate) fn note(&mut self, choice: A) {
        self.0 |= 1 << choice.0;
    }

    pub(crate) fn note_if(&mut self, needed: bool, choice: A) {
        if needed {
            self.note(choice);
        }
    }

    fn numbers(self) -> impl Iterator<Item = u8> {
        (0..64).filter(move |number| self.0 >> number & 1 == 1)
    }
}

impl From<A> for Assumptions {
    fn from(choice: A) -> Self {
        Self(1 << choice.0)
    }
}

/// What an answer rests on; the value of the header `x-emulator-basis`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basis {
    /// The page says so.
    Documented,
    /// The page does not say so, the vendor's visible technology does it by default.
    Inferred,
    /// Neither says so: we chose.
    Assumed(Assumptions),
    /// A fault was injected, so the answer is no evidence of anything.
    Fault,
    /// The service documents the route, and the emulator does not have it.
    NotEmulated,
    /// The emulator's own control API.
    Control,
}

impl From<Assumptions> for Basis {
    fn from(assumptions: Assumptions) -> Self {
        if assumptions == Assumptions::default() { Self::Documented } else { Self::Assumed(assumptions) }
    }
}

impl From<A> for Basis {
    fn from(choice: A) -> Self {
        Self::Assumed(choice.into())
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Documented => f.write_str("documented"),
            Self::Inferred => f.write_str("inferred"),
            Self::Fault => f.write_str("fault"),
            Self::NotEmulated => f.write_str("not emulated"),
            Self::Control => f.write_str("control"),
            Self::Assumed(assumptions) => {
                f.write_str("assumed ")?;
                for (at, number) in assumptions.numbers().enumerate() {
                    write!(f, "{}A-{number}", if at == 0 { "" } else { "," })?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_the_header_carries_it() {
        let mut assumptions = Assumptions::from(A(8));
        assert_eq!(Basis::from(assumptions).to_string(), "assumed A-8");
        assumptions.note(A(4));
        assumptions.note_if(false, A(5));
        assert_eq!(Basis::from(assumptions).to_string(), "assumed A-4,A-8");
        assert_eq!(Basis::from(Assumptions::default()), Basis::Documented);
    }
}
