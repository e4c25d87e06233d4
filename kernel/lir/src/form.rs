//! The form in a file: [postcard](https://postcard.jamesmunns.com/wire-format.html) of the types.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{Function, Name, Symbol};

/// These bytes are none of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormError;

impl fmt::Display for FormError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the low-level IR is damaged")
    }
}

impl core::error::Error for FormError {}

impl From<postcard::Error> for FormError {
    fn from(_: postcard::Error) -> Self {
        Self
    }
}

impl Function {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("memory takes everything")
    }

    /// The function that such bytes mean.
    ///
    /// # Errors
    /// [`FormError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, FormError> {
        Ok(postcard::from_bytes(bytes)?)
    }
}

/// A function that has been translated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Translated {
    /// Its symbol.
    pub symbol: Symbol,
    /// What [`Function::encode`] makes of it.
    pub bytes: Vec<u8>,
}

/// A function that has not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// The functions of a program, each by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Translation {
    /// What functions name.
    pub symbols: Vec<Name>,
    /// In the order of the program.
    pub functions: Vec<Translated>,
    /// In the same order.
    pub refused: Vec<Refused>,
}

impl Translation {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("memory takes everything")
    }

    /// What such bytes mean.
    ///
    /// # Errors
    /// [`FormError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, FormError> {
        Ok(postcard::from_bytes(bytes)?)
    }
}
