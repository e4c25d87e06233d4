//! For which kernel code is made by another one.
//!
//! The text has a line for each fact: `kernel HEX`, `processor LEVEL`, `precompile LEVEL` if all of the program is to be
//! compiled, and `symbol NAME HEX` for what code refers to by its address in that kernel.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use core::fmt;

use bareflow_tier_policy::Level;

/// Another kernel, and what is to be compiled for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination<'a> {
    /// Its build id.
    pub kernel_build_id: [u8; 32],
    /// The level of the psABI that its processor has.
    pub processor: &'a str,
    /// At which level everything is compiled that the program may call, whether it has run or not.
    pub precompile: Option<Level>,
    /// Addresses of its functions and variables.
    pub symbols: BTreeMap<&'a str, u64>,
}

/// The text does not describe a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DestinationError;

impl fmt::Display for DestinationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the description of the kernel to compile for is malformed")
    }
}

impl core::error::Error for DestinationError {}

impl<'a> Destination<'a> {
    /// As text.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::from("kernel ");
        for byte in self.kernel_build_id {
            text += &format!("{byte:02x}");
        }
        text += &format!("\nprocessor {}\n", self.processor);
        if let Some(level) = self.precompile {
            text += &format!("precompile {}\n", level.name());
        }
        for (name, address) in &self.symbols {
            text += &format!("symbol {name} {address:x}\n");
        }
        text
    }

    /// From text.
    ///
    /// # Errors
    /// [`DestinationError`].
    pub fn decode(text: &'a str) -> Result<Self, DestinationError> {
        let (mut kernel_build_id, mut processor, mut precompile) = (None, None, None);
        let mut symbols = BTreeMap::new();
        for line in text.lines() {
            let (kind, value) = line.split_once(' ').ok_or(DestinationError)?;
            match kind {
                "kernel" => kernel_build_id = Some(build_id(value).ok_or(DestinationError)?),
                "processor" => processor = Some(value),
                "precompile" => {
                    precompile = Some(Level::from_name(value).ok_or(DestinationError)?);
                }
                "symbol" => {
                    let (name, address) = value.rsplit_once(' ').ok_or(DestinationError)?;
                    let address = u64::from_str_radix(address, 16).map_err(|_| DestinationError)?;
                    symbols.insert(name, address);
                }
                _ => return Err(DestinationError),
            }
        }
        Ok(Self {
            kernel_build_id: kernel_build_id.ok_or(DestinationError)?,
            processor: processor.ok_or(DestinationError)?,
            precompile,
            symbols,
        })
    }
}

fn build_id(text: &str) -> Option<[u8; 32]> {
    let mut id = [0; 32];
    if text.len() != 2 * id.len() || !text.is_ascii() {
        return None;
    }
    for (index, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_read_as_it_was_written() {
        for precompile in [None, Some(Level::O1)] {
            let destination = Destination {
                kernel_build_id: core::array::from_fn(|index| index as u8 * 7),
                processor: "x86-64-v3",
                precompile,
                symbols: BTreeMap::from([("stdout", 0x0012_3456), ("stdin", 0)]),
            };
            assert_eq!(
                Destination::decode(&destination.encode()),
                Ok(destination.clone())
            );
        }
    }

    #[test]
    fn what_describes_none_is_refused() {
        let id = "00".repeat(32);
        for text in [
            String::new(),
            format!("kernel {id}"),
            format!("kernel {id}0\nprocessor x86-64"),
            format!("kernel {}é\nprocessor x86-64", "0".repeat(62)),
            format!("kernel {id}\nprocessor x86-64\nprecompile O4"),
            format!("kernel {id}\nprocessor x86-64\nsymbol stdin"),
            format!("kernel {id}\nprocessor x86-64\nsymbol stdin -1"),
            format!("kernel {id}\nprocessor x86-64\nunknown 1"),
            format!("kernel {id}\nprocessor"),
        ] {
            assert_eq!(Destination::decode(&text), Err(DestinationError), "{text}");
        }
    }
}
