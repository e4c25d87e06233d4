//! Calls, parameters and results.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;

use bareflow_lir::{Callee, Extension, Parameter, Passing, Signature, Type, Value};

use super::{Class, Operand, Writer, not_there};
use bareflow_lir::Error;

/// Two results are an aggregate for QBE, of which each has so much.
pub(super) const RESULT_BYTES: u32 = 8;
/// Those aggregates, by the classes of their parts.
pub(super) const RESULT_TYPES: &str = "type :ll = { l, l }\ntype :ld = { l, d }\ntype :dl = { d, l }\n\
                                       type :dd = { d, d }\n";
/// Larger copies would be written out word by word.
const MOST_COPIED: u32 = 4096;

/// How results are declared: not at all, as a class, or as an aggregate.
fn results_of(results: &[Parameter]) -> Result<String, Error> {
    let part = |parameter: &Parameter| if parameter.value.is_float() { 'd' } else { 'l' };
    Ok(match results {
        [] => String::new(),
        [one] => Class::of(one.value).to_string(),
        [first, second] => format!(":{}{}", part(first), part(second)),
        _ => return not_there("passing", "many results"),
    })
}

/// What reads a value from memory.
pub(super) const fn load(ty: Type) -> &'static str {
    match ty {
        Type::I8 => "loadub",
        Type::I16 => "loaduh",
        Type::I32 => "loadw",
        Type::I64 | Type::I128 => "loadl",
        Type::F32 => "loads",
        Type::F64 => "loadd",
    }
}

impl Writer<'_> {
    /// The function's parameters, or a call's arguments.
    fn passed(&mut self, parameters: &[Parameter], operands: &[Operand]) -> Result<String, Error> {
        let mut text = String::new();
        for (parameter, operand) in parameters.iter().zip(operands) {
            if !text.is_empty() {
                text.push_str(", ");
            }
            let _ = match parameter.passing {
                Passing::Copied(bytes) if bytes > MOST_COPIED => {
                    return not_there("passing", "a large copy");
                }
                Passing::Copied(bytes) => {
                    self.copies.push(bytes);
                    write!(text, ":c{bytes} {operand}")
                }
                Passing::Value(_) | Passing::ResultAddress => {
                    write!(text, "{} {operand}", Class::of(parameter.value))
                }
            };
        }
        Ok(text)
    }

    /// The first line of the function, with these parameters.
    pub(super) fn head(&mut self, parameters: &[Operand]) -> Result<(), Error> {
        let signature = &self.function.signature;
        let mut result = results_of(&signature.results)?;
        if result.is_empty() && self.returned.is_some() {
            result = Class::L.to_string();
        }
        let parameters = self.passed(&signature.parameters, parameters)?;
        self.head = format!(
            "export function {result} {}({parameters}) {{\n",
            Operand::Own
        );
        Ok(())
    }

    pub(super) fn call(
        &mut self,
        callee: Callee,
        signature: &Signature,
        arguments: &[Value],
        results: &[Value],
    ) -> Result<(), Error> {
        let callee = match callee {
            Callee::Symbol(symbol) if symbol == self.function.symbol => Operand::Own,
            Callee::Symbol(symbol) => Operand::Symbol(symbol.0),
            Callee::Address(value) => self.operand(value),
        };
        let mut operands = Vec::new();
        for (parameter, value) in signature.parameters.iter().zip(arguments) {
            let operand = self.operand(*value);
            operands.push(self.extended(operand, parameter));
        }
        let mut arguments = self.passed(&signature.parameters, &operands)?;
        if signature.is_variadic {
            arguments.push_str(if arguments.is_empty() { "..." } else { ", ..." });
        }
        let class = results_of(&signature.results)?;
        let result = self.temporary();
        match (&signature.results[..], results) {
            ([], []) => self.line(format_args!("call {callee}({arguments})")),
            ([one], [value]) => {
                self.line(format_args!("{result} ={class} call {callee}({arguments})"));
                let result = self.narrowed(result, one.value);
                self.operands[value.0 as usize] = result;
            }
            _ => {
                self.line(format_args!("{result} ={class} call {callee}({arguments})"));
                for (number, value) in (0..).zip(results) {
                    let ty = self.type_of(*value);
                    let place = self.behind(result, i64::from(RESULT_BYTES) * number);
                    let part = self.emit(Class::of(ty), load(ty), &[place]);
                    self.operands[value.0 as usize] = part;
                }
            }
        }
        Ok(())
    }

    /// A value as it is passed; zeros are above it already.
    fn extended(&mut self, value: Operand, parameter: &Parameter) -> Operand {
        match parameter.passing {
            Passing::Value(Extension::Sign) => self.signed(value, parameter.value),
            _ => value,
        }
    }

    pub(super) fn return_values(&mut self, values: &[Value]) -> Result<(), Error> {
        let function = self.function;
        let results = &function.signature.results;
        let operands: Vec<Operand> = values.iter().map(|value| self.operand(*value)).collect();
        match (&results[..], &operands[..], self.returned) {
            ([], _, None) => self.line(format_args!("ret")),
            ([], _, Some(address)) => self.line(format_args!("ret {address}")),
            ([result], [operand], _) => {
                let operand = self.extended(*operand, result);
                self.line(format_args!("ret {operand}"));
            }
            (_, _, Some(place)) => {
                for (number, (result, operand)) in (0..).zip(results.iter().zip(operands)) {
                    let place = self.behind(place, i64::from(RESULT_BYTES) * number);
                    let whole = self.as_long(operand, result.value);
                    self.line(format_args!("storel {whole}, {place}"));
                }
                self.line(format_args!("ret {place}"));
            }
            _ => return not_there("passing", "other results than the function has"),
        }
        Ok(())
    }

    /// The bits of a value in 64 of them.
    fn as_long(&mut self, value: Operand, ty: Type) -> Operand {
        let bits = self.bits_of(value, Class::of(ty));
        match Class::of(ty).as_int() {
            Class::W => self.emit(Class::L, "extuw", &[bits]),
            _ => bits,
        }
    }
}
