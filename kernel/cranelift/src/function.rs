//! A function in Cranelift's IR.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use bareflow_lir::{
    Binary, Callee, Conversion, Extension, FloatCompare, Function, IntCompare, Jump, Operation,
    Parameter, Passing, Rmw, Signature, Terminator, Type, Unary,
};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{
    self, AbiParam, ArgumentExtension, ArgumentPurpose, AtomicRmwOp, BlockArg, ExtFuncData,
    ExternalName, GlobalValueData, InstBuilder, MemFlagsData, StackSlotData, StackSlotKind,
    TrapCode, UserExternalName, UserFuncName, types,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Switch};

use crate::{Error, variadic};

/// Names of symbols, and of the stubs by which variadic functions are called: by name, and by address.
pub(crate) const SYMBOLS: u32 = 0;
pub(crate) const VARIADIC: u32 = 1;
pub(crate) const VARIADIC_ADDRESS: u32 = 2;

fn type_of(ty: Type) -> ir::Type {
    match ty {
        Type::I8 => types::I8,
        Type::I16 => types::I16,
        Type::I32 => types::I32,
        Type::I64 => types::I64,
        Type::I128 => types::I128,
        Type::F32 => types::F32,
        Type::F64 => types::F64,
    }
}

fn parameter_of(parameter: &Parameter) -> AbiParam {
    let ty = type_of(parameter.value);
    match parameter.passing {
        Passing::Value(extension) => {
            let extension = match extension {
                Extension::None => ArgumentExtension::None,
                Extension::Zero => ArgumentExtension::Uext,
                Extension::Sign => ArgumentExtension::Sext,
            };
            AbiParam {
                extension,
                ..AbiParam::new(ty)
            }
        }
        Passing::Copied(bytes) => AbiParam::special(ty, ArgumentPurpose::StructArgument(bytes)),
        Passing::ResultAddress => AbiParam::special(ty, ArgumentPurpose::StructReturn),
    }
}

fn signature_of(signature: &Signature) -> ir::Signature {
    ir::Signature {
        params: signature.parameters.iter().map(parameter_of).collect(),
        returns: signature.results.iter().map(parameter_of).collect(),
        call_conv: CallConv::SystemV,
    }
}

/// Fills `made`.
pub(crate) fn build(
    function: &Function,
    isa: &dyn TargetIsa,
    made: &mut ir::Function,
    context: &mut FunctionBuilderContext,
) -> Result<(), Error> {
    made.signature = signature_of(&function.signature);
    if function.signature.is_variadic {
        made.signature.params.push(AbiParam::new(types::I64));
    }
    made.name = UserFuncName::user(SYMBOLS, function.symbol.0);
    let mut builder = FunctionBuilder::new(made, context);
    let blocks = function.blocks.iter().map(|_| builder.create_block());
    let blocks: Vec<ir::Block> = blocks.collect();
    let slots = function.slots.iter().map(|slot| {
        builder.create_sized_stack_slot(StackSlotData::new(
            StackSlotKind::ExplicitSlot,
            slot.bytes,
            slot.alignment.trailing_zeros() as u8,
        ))
    });
    let slots = slots.collect();
    let mut values = Vec::new();
    values.resize(function.values.len(), ir::Value::from_u32(0));
    let mut building = Building {
        function,
        builder,
        blocks,
        slots,
        values,
        list: None,
    };
    for (index, body) in function.blocks.iter().enumerate() {
        let block = building.blocks[index];
        building.builder.switch_to_block(block);
        for value in &body.parameters {
            let ty = type_of(function.values[value.0 as usize]);
            let made = building.builder.append_block_param(block, ty);
            building.values[value.0 as usize] = made;
        }
        if index == 0 && function.signature.is_variadic {
            building.list = Some(building.builder.append_block_param(block, types::I64));
        }
        for instruction in &body.instructions {
            building.instruction(&instruction.operation, &instruction.results)?;
        }
        building.end(&body.end)?;
    }
    building.builder.seal_all_blocks();
    building.builder.finalize(isa.frontend_config());
    Ok(())
}

struct Building<'a> {
    function: &'a Function,
    builder: FunctionBuilder<'a>,
    blocks: Vec<ir::Block>,
    slots: Vec<ir::StackSlot>,
    values: Vec<ir::Value>,
    /// Of a variadic function: where the list of its arguments is.
    list: Option<ir::Value>,
}

/// All memory may be anywhere, and a fault is the kernel's.
fn memory() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

impl Building<'_> {
    fn value(&self, value: bareflow_lir::Value) -> ir::Value {
        self.values[value.0 as usize]
    }

    fn values(&self, values: &[bareflow_lir::Value]) -> Vec<ir::Value> {
        values.iter().map(|value| self.value(*value)).collect()
    }

    fn instruction(
        &mut self,
        operation: &Operation,
        results: &[bareflow_lir::Value],
    ) -> Result<(), Error> {
        let ty = results
            .first()
            .map(|result| self.function.values[result.0 as usize]);
        let made = match operation {
            Operation::Store(value, address, bytes) => {
                let (value, address) = (self.value(*value), self.value(*address));
                self.builder.ins().store(memory(), value, address, *bytes);
                return Ok(());
            }
            Operation::AtomicStore(value, address) => {
                let (value, address) = (self.value(*value), self.value(*address));
                self.builder.ins().atomic_store(memory(), value, address);
                return Ok(());
            }
            Operation::Fence => {
                self.builder.ins().fence();
                return Ok(());
            }
            Operation::Trap => {
                let never = self.builder.ins().iconst(types::I8, 0);
                self.builder.ins().trapz(never, TrapCode::unwrap_user(1));
                return Ok(());
            }
            Operation::StartArguments(address) => return self.start_arguments(*address),
            Operation::Call(callee, signature, arguments) => {
                return self.call(*callee, signature, arguments, results);
            }
            _ => match ty {
                Some(ty) => self.scalar(operation, ty)?,
                None => return Err(Error::Failed(format!("no result of {operation:?}"))),
            },
        };
        self.values[results[0].0 as usize] = made;
        Ok(())
    }

    /// What has one result.
    fn scalar(&mut self, operation: &Operation, result: Type) -> Result<ir::Value, Error> {
        let ty = type_of(result);
        Ok(match operation {
            Operation::Int(number) => self.int(result, *number),
            Operation::Float(bits) => match result {
                Type::F32 => self.builder.ins().f32const(f32::from_bits(*bits as u32)),
                _ => self.builder.ins().f64const(f64::from_bits(*bits)),
            },
            Operation::Binary(how, first, second) => {
                let (first, second) = (self.value(*first), self.value(*second));
                self.binary(*how, result, first, second)
            }
            Operation::Unary(how, value) => {
                let value = self.value(*value);
                let ins = self.builder.ins();
                match how {
                    Unary::FNeg => ins.fneg(value),
                    Unary::FAbs => ins.fabs(value),
                    Unary::Sqrt => ins.sqrt(value),
                    Unary::CountLeadingZeros => ins.clz(value),
                    Unary::CountTrailingZeros => ins.ctz(value),
                    Unary::CountOnes => ins.popcnt(value),
                    Unary::ByteSwap => ins.bswap(value),
                    Unary::BitReverse => ins.bitrev(value),
                }
            }
            Operation::Convert(how, value) => {
                let value = self.value(*value);
                let ins = self.builder.ins();
                match how {
                    Conversion::ZeroExtend => ins.uextend(ty, value),
                    Conversion::SignExtend => ins.sextend(ty, value),
                    Conversion::Truncate => ins.ireduce(ty, value),
                    Conversion::Promote => ins.fpromote(ty, value),
                    Conversion::Demote => ins.fdemote(ty, value),
                    Conversion::FromUnsigned => ins.fcvt_from_uint(ty, value),
                    Conversion::FromSigned => ins.fcvt_from_sint(ty, value),
                    // Those that do not saturate stop the program.
                    Conversion::ToUnsigned | Conversion::ToUnsignedSaturating => {
                        ins.fcvt_to_uint_sat(ty, value)
                    }
                    Conversion::ToSigned | Conversion::ToSignedSaturating => {
                        ins.fcvt_to_sint_sat(ty, value)
                    }
                    Conversion::Bits => ins.bitcast(ty, MemFlagsData::new(), value),
                }
            }
            Operation::IntCompare(how, first, second) => {
                let (first, second) = (self.value(*first), self.value(*second));
                self.builder.ins().icmp(int_condition(*how), first, second)
            }
            Operation::FloatCompare(how, first, second) => {
                let (first, second) = (self.value(*first), self.value(*second));
                self.builder
                    .ins()
                    .fcmp(float_condition(*how), first, second)
            }
            Operation::Select(condition, first, second) => {
                let condition = self.value(*condition);
                let (first, second) = (self.value(*first), self.value(*second));
                self.builder.ins().select(condition, first, second)
            }
            Operation::Load(address, bytes) => {
                let address = self.value(*address);
                self.builder.ins().load(ty, memory(), address, *bytes)
            }
            Operation::SlotAddress(slot) => {
                let slot = self.slots[slot.0 as usize];
                self.builder.ins().stack_addr(ty, slot, 0)
            }
            Operation::SymbolAddress(symbol, bytes) => {
                let name = self.name(SYMBOLS, symbol.0);
                let address = self.builder.create_global_value(GlobalValueData::Symbol {
                    name,
                    offset: (*bytes).into(),
                    colocated: true,
                    tls: false,
                });
                self.builder.ins().symbol_value(ty, address)
            }
            Operation::AtomicLoad(address) => {
                let address = self.value(*address);
                self.builder.ins().atomic_load(ty, memory(), address)
            }
            Operation::AtomicRmw(how, address, value) => {
                let (address, value) = (self.value(*address), self.value(*value));
                let how = match how {
                    Rmw::Xchg => AtomicRmwOp::Xchg,
                    Rmw::Add => AtomicRmwOp::Add,
                    Rmw::Sub => AtomicRmwOp::Sub,
                    Rmw::And => AtomicRmwOp::And,
                    Rmw::Nand => AtomicRmwOp::Nand,
                    Rmw::Or => AtomicRmwOp::Or,
                    Rmw::Xor => AtomicRmwOp::Xor,
                    Rmw::Max => AtomicRmwOp::Smax,
                    Rmw::Min => AtomicRmwOp::Smin,
                    Rmw::UMax => AtomicRmwOp::Umax,
                    Rmw::UMin => AtomicRmwOp::Umin,
                };
                self.builder
                    .ins()
                    .atomic_rmw(ty, memory(), how, address, value)
            }
            Operation::CompareExchange(address, expected, new) => {
                let address = self.value(*address);
                let (expected, new) = (self.value(*expected), self.value(*new));
                self.builder
                    .ins()
                    .atomic_cas(memory(), address, expected, new)
            }
            Operation::FrameAddress => self.builder.ins().get_frame_pointer(ty),
            Operation::ReturnAddress if self.list.is_some() => {
                let reason = "variadic function: its return address, which its stub knows";
                return Err(Error::Refused(reason.into()));
            }
            Operation::ReturnAddress => self.builder.ins().get_return_address(ty),
            Operation::Store(..)
            | Operation::AtomicStore(..)
            | Operation::Fence
            | Operation::Trap
            | Operation::StartArguments(..)
            | Operation::Call(..) => {
                return Err(Error::Failed(format!("a result of {operation:?}")));
            }
        })
    }

    fn int(&mut self, ty: Type, number: u128) -> ir::Value {
        let word = |builder: &mut FunctionBuilder, ty: Type, number: u128| {
            let unused = 128 - ty.bits();
            let signed = (number << unused) as i128 >> unused;
            // Immediates hold the bits of the type alone.
            let bits = signed & (u128::MAX >> unused) as i128;
            builder.ins().iconst(type_of(ty), bits as i64)
        };
        if ty != Type::I128 {
            return word(&mut self.builder, ty, number);
        }
        let low = word(&mut self.builder, Type::I64, number);
        let high = word(&mut self.builder, Type::I64, number >> 64);
        self.builder.ins().iconcat(low, high)
    }

    fn binary(&mut self, how: Binary, ty: Type, first: ir::Value, second: ir::Value) -> ir::Value {
        let condition = match how {
            Binary::UMin => Some(IntCC::UnsignedLessThan),
            Binary::UMax => Some(IntCC::UnsignedGreaterThan),
            Binary::SMin => Some(IntCC::SignedLessThan),
            Binary::SMax => Some(IntCC::SignedGreaterThan),
            _ => None,
        };
        // Cranelift has no such instruction for 128 bits.
        if let (Type::I128, Some(condition)) = (ty, condition) {
            let is_first = self.builder.ins().icmp(condition, first, second);
            return self.builder.ins().select(is_first, first, second);
        }
        let ins = self.builder.ins();
        match how {
            Binary::Add => ins.iadd(first, second),
            Binary::Sub => ins.isub(first, second),
            Binary::Mul => ins.imul(first, second),
            Binary::MulHighUnsigned => ins.umulhi(first, second),
            Binary::MulHighSigned => ins.smulhi(first, second),
            Binary::UDiv => ins.udiv(first, second),
            Binary::SDiv => ins.sdiv(first, second),
            Binary::URem => ins.urem(first, second),
            Binary::SRem => ins.srem(first, second),
            Binary::Shl => ins.ishl(first, second),
            Binary::LShr => ins.ushr(first, second),
            Binary::AShr => ins.sshr(first, second),
            Binary::RotateLeft => ins.rotl(first, second),
            Binary::And => ins.band(first, second),
            Binary::Or => ins.bor(first, second),
            Binary::Xor => ins.bxor(first, second),
            Binary::UMin => ins.umin(first, second),
            Binary::UMax => ins.umax(first, second),
            Binary::SMin => ins.smin(first, second),
            Binary::SMax => ins.smax(first, second),
            Binary::FAdd => ins.fadd(first, second),
            Binary::FSub => ins.fsub(first, second),
            Binary::FMul => ins.fmul(first, second),
            Binary::FDiv => ins.fdiv(first, second),
            Binary::CopySign => ins.fcopysign(first, second),
        }
    }

    fn name(&mut self, namespace: u32, index: u32) -> ExternalName {
        let name = UserExternalName { namespace, index };
        ExternalName::user(self.builder.func.declare_imported_user_function(name))
    }

    fn call(
        &mut self,
        callee: Callee,
        signature: &Signature,
        arguments: &[bareflow_lir::Value],
        results: &[bareflow_lir::Value],
    ) -> Result<(), Error> {
        let mut arguments = self.values(arguments);
        let mut passed = signature_of(signature);
        let call = match callee {
            Callee::Address(address) if signature.is_variadic => {
                let name = self.name(VARIADIC_ADDRESS, variadic::place_of_address(signature)?);
                passed.params.push(AbiParam::new(types::I64));
                arguments.push(self.value(address));
                let function = self.function(name, passed);
                self.builder.ins().call(function, &arguments)
            }
            Callee::Symbol(symbol) => {
                let namespace = if signature.is_variadic {
                    VARIADIC
                } else {
                    SYMBOLS
                };
                let name = self.name(namespace, symbol.0);
                let function = self.function(name, passed);
                self.builder.ins().call(function, &arguments)
            }
            Callee::Address(address) => {
                let address = self.value(address);
                let passed = self.builder.import_signature(passed);
                self.builder
                    .ins()
                    .call_indirect(passed, address, &arguments)
            }
        };
        let values = self.builder.inst_results(call);
        for (result, value) in results.iter().zip(values) {
            self.values[result.0 as usize] = *value;
        }
        Ok(())
    }

    fn function(&mut self, name: ExternalName, signature: ir::Signature) -> ir::FuncRef {
        let signature = self.builder.import_signature(signature);
        self.builder.import_function(ExtFuncData {
            name,
            signature,
            colocated: true,
            patchable: false,
        })
    }

    /// Copies the list that the function's stub has made.
    fn start_arguments(&mut self, address: bareflow_lir::Value) -> Result<(), Error> {
        let Some(list) = self.list else {
            return Err(Error::Failed("a list of no arguments".into()));
        };
        let address = self.value(address);
        for place in (0..variadic::LIST_BYTES as i32).step_by(types::I64.bytes() as usize) {
            let word = self.builder.ins().load(types::I64, memory(), list, place);
            self.builder.ins().store(memory(), word, address, place);
        }
        Ok(())
    }

    fn jump(&self, jump: &Jump) -> (ir::Block, Vec<BlockArg>) {
        let arguments = self.values(&jump.arguments).into_iter();
        (
            self.blocks[jump.block.0 as usize],
            arguments.map(BlockArg::Value).collect(),
        )
    }

    fn end(&mut self, end: &Terminator) -> Result<(), Error> {
        match end {
            Terminator::Jump(jump) => {
                let (block, arguments) = self.jump(jump);
                self.builder.ins().jump(block, &arguments);
            }
            Terminator::Branch(condition, first, second) => {
                let condition = self.value(*condition);
                let (first, second) = (self.jump(first), self.jump(second));
                self.builder
                    .ins()
                    .brif(condition, first.0, &first.1, second.0, &second.1);
            }
            Terminator::Switch(value, cases, default) => self.switch(*value, cases, default)?,
            Terminator::Return(values) => {
                let values = self.values(values);
                self.builder.ins().return_(&values);
            }
            Terminator::Trap => {
                self.builder.ins().trap(TrapCode::unwrap_user(1));
            }
        }
        Ok(())
    }

    /// Cranelift's switches pass nothing on: what is passed goes by blocks in between.
    fn switch(
        &mut self,
        value: bareflow_lir::Value,
        cases: &[(u128, Jump)],
        default: &Jump,
    ) -> Result<(), Error> {
        if self.function.values[value.0 as usize] == Type::I128 {
            return Err(Error::Refused("a switch over 128 bits".into()));
        }
        let mut between = BTreeMap::new();
        let mut switch = Switch::new();
        for (number, jump) in cases {
            switch.set_entry(*number, self.target(jump, &mut between));
        }
        let otherwise = self.target(default, &mut between);
        let value = self.value(value);
        switch.emit(&mut self.builder, value, otherwise);
        for (block, jump) in between.into_values() {
            let (next, arguments) = self.jump(jump);
            self.builder.switch_to_block(block);
            self.builder.ins().jump(next, &arguments);
        }
        Ok(())
    }

    /// Where a case leads. What passes something on does so in a block of its own, one for each target: from one block,
    /// all jumps to a target pass the same.
    fn target<'j>(
        &mut self,
        jump: &'j Jump,
        between: &mut BTreeMap<u32, (ir::Block, &'j Jump)>,
    ) -> ir::Block {
        if jump.arguments.is_empty() {
            return self.blocks[jump.block.0 as usize];
        }
        let builder = &mut self.builder;
        between
            .entry(jump.block.0)
            .or_insert_with(|| (builder.create_block(), jump))
            .0
    }
}

fn int_condition(how: IntCompare) -> IntCC {
    match how {
        IntCompare::Eq => IntCC::Equal,
        IntCompare::Ne => IntCC::NotEqual,
        IntCompare::Ugt => IntCC::UnsignedGreaterThan,
        IntCompare::Uge => IntCC::UnsignedGreaterThanOrEqual,
        IntCompare::Ult => IntCC::UnsignedLessThan,
        IntCompare::Ule => IntCC::UnsignedLessThanOrEqual,
        IntCompare::Sgt => IntCC::SignedGreaterThan,
        IntCompare::Sge => IntCC::SignedGreaterThanOrEqual,
        IntCompare::Slt => IntCC::SignedLessThan,
        IntCompare::Sle => IntCC::SignedLessThanOrEqual,
    }
}

fn float_condition(how: FloatCompare) -> FloatCC {
    match how {
        FloatCompare::Oeq => FloatCC::Equal,
        FloatCompare::Ogt => FloatCC::GreaterThan,
        FloatCompare::Oge => FloatCC::GreaterThanOrEqual,
        FloatCompare::Olt => FloatCC::LessThan,
        FloatCompare::Ole => FloatCC::LessThanOrEqual,
        FloatCompare::One => FloatCC::OrderedNotEqual,
        FloatCompare::Ord => FloatCC::Ordered,
        FloatCompare::Uno => FloatCC::Unordered,
        FloatCompare::Ueq => FloatCC::UnorderedOrEqual,
        FloatCompare::Ugt => FloatCC::UnorderedOrGreaterThan,
        FloatCompare::Uge => FloatCC::UnorderedOrGreaterThanOrEqual,
        FloatCompare::Ult => FloatCC::UnorderedOrLessThan,
        FloatCompare::Ule => FloatCC::UnorderedOrLessThanOrEqual,
        FloatCompare::Une => FloatCC::NotEqual,
    }
}
