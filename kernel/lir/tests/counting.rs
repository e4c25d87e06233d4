//! A function that counts, and leaves in the middle of a loop for the rest of itself, gives what the function gives.

use bareflow_lir::{
    Binary, Binding, Block, BlockBody, Callee, Extension, Function, Hooks, Instruction, IntCompare,
    Jump, Name, Operation, Parameter, Passing, Signature, Slot, SlotSize, Symbol, Terminator,
    Translated, Translation, Type, Value, continuation, count,
};

const COUNTERS: Symbol = Symbol(1);
const ENTERED: Symbol = Symbol(2);
const LOOPED: Symbol = Symbol(3);
const HOOKS: Hooks = Hooks {
    counters: COUNTERS,
    offset: 8,
    function: 5,
    entered: ENTERED,
    looped: LOOPED,
};
/// Where the evaluator has the counter, the frames' places, and the rests of functions by the loops that they begin at.
const COUNTER_ADDRESS: u64 = 0x1000;
const FRAME_ADDRESS: u64 = 0x2000;
const RESTS_ADDRESS: u64 = 0x1_0000;

/// Evaluates what the functions below use of the low-level IR.
struct Machine<'a> {
    function: &'a Function,
    memory: std::collections::BTreeMap<u64, u64>,
    frames: u64,
    entered: usize,
    left: Vec<Block>,
}

impl Machine<'_> {
    fn call(&mut self, function: &Function, arguments: &[u64]) -> Vec<u64> {
        let frame = FRAME_ADDRESS + self.frames * 0x100;
        self.frames += 1;
        let mut values = vec![None; function.values.len()];
        let (mut block, mut passed) = (0, arguments.to_vec());
        loop {
            let body = &function.blocks[block];
            assert_eq!(body.parameters.len(), passed.len(), "block {block}");
            for (parameter, value) in body.parameters.iter().zip(&passed) {
                values[parameter.0 as usize] = Some(*value);
            }
            for instruction in &body.instructions {
                let get = |value: &Value| values[value.0 as usize].expect("it is defined");
                let made = match &instruction.operation {
                    Operation::Int(number) => vec![*number as u64],
                    Operation::Binary(how, first, second) => {
                        let (first, second) = (get(first), get(second));
                        let made = match how {
                            Binary::Add => first.wrapping_add(second),
                            Binary::Sub => first.wrapping_sub(second),
                            Binary::Mul => first.wrapping_mul(second),
                            other => panic!("{other:?}"),
                        };
                        let ty = function.values[instruction.results[0].0 as usize];
                        vec![if ty == Type::I32 {
                            u64::from(made as u32)
                        } else {
                            made
                        }]
                    }
                    Operation::IntCompare(how, first, second) => {
                        let signed = |value: &Value| match function.values[value.0 as usize] {
                            Type::I32 => i64::from(get(value) as i32),
                            _ => get(value) as i64,
                        };
                        let (first, second) = (signed(first), signed(second));
                        let holds = match how {
                            IntCompare::Slt => first < second,
                            IntCompare::Ne => first != second,
                            other => panic!("{other:?}"),
                        };
                        vec![u64::from(holds)]
                    }
                    Operation::SymbolAddress(symbol, behind) => {
                        assert_eq!((*symbol, *behind), (COUNTERS, HOOKS.offset));
                        vec![COUNTER_ADDRESS]
                    }
                    Operation::SlotAddress(Slot(slot)) => vec![frame + u64::from(*slot) * 8],
                    Operation::Load(address, behind) => {
                        let address = get(address).wrapping_add_signed(i64::from(*behind));
                        vec![self.memory.get(&address).copied().unwrap_or_default()]
                    }
                    Operation::Store(value, address, behind) => {
                        let address = get(address).wrapping_add_signed(i64::from(*behind));
                        self.memory.insert(address, get(value));
                        vec![]
                    }
                    Operation::Call(callee, signature, arguments) => {
                        let arguments: Vec<u64> = arguments.iter().map(get).collect();
                        assert_eq!(signature.parameters.len(), arguments.len());
                        match callee {
                            Callee::Symbol(ENTERED) => {
                                assert_eq!(arguments, [HOOKS.function]);
                                self.entered += 1;
                                vec![]
                            }
                            Callee::Symbol(LOOPED) => {
                                assert_eq!(arguments[0], HOOKS.function);
                                vec![RESTS_ADDRESS + arguments[1]]
                            }
                            Callee::Symbol(other) => panic!("{other:?}"),
                            Callee::Address(address) => {
                                let header = Block((get(address) - RESTS_ADDRESS) as u32);
                                self.left.push(header);
                                let rest = continuation(self.function, header).unwrap();
                                assert_eq!(&rest.signature, signature);
                                self.call(&rest, &arguments)
                            }
                        }
                    }
                    other => panic!("{other:?}"),
                };
                assert_eq!(made.len(), instruction.results.len());
                for (result, value) in instruction.results.iter().zip(made) {
                    values[result.0 as usize] = Some(value);
                }
            }
            let get = |value: &Value| values[value.0 as usize].expect("it is defined");
            let jump = match &body.end {
                Terminator::Jump(jump) => jump,
                Terminator::Branch(condition, first, second) => {
                    if get(condition) != 0 {
                        first
                    } else {
                        second
                    }
                }
                Terminator::Switch(value, cases, default) => {
                    let value = u128::from(get(value));
                    let case = cases.iter().find(|(number, _)| *number == value);
                    case.map_or(default, |(_, jump)| jump)
                }
                Terminator::Return(results) => return results.iter().map(get).collect(),
                Terminator::Trap => panic!("a trap"),
            };
            passed = jump.arguments.iter().map(get).collect();
            block = jump.block.0 as usize;
        }
    }
}

#[derive(Default)]
struct Builder {
    types: Vec<Type>,
    instructions: Vec<Instruction>,
    blocks: Vec<BlockBody>,
}

impl Builder {
    fn value(&mut self, ty: Type) -> Value {
        self.types.push(ty);
        Value(self.types.len() as u32 - 1)
    }

    fn emit(&mut self, ty: Type, operation: Operation) -> Value {
        let value = self.value(ty);
        self.instructions.push(Instruction {
            operation,
            results: vec![value],
        });
        value
    }

    fn int(&mut self, number: u128) -> Value {
        self.emit(Type::I64, Operation::Int(number))
    }

    fn binary(&mut self, how: Binary, first: Value, second: Value) -> Value {
        self.emit(Type::I64, Operation::Binary(how, first, second))
    }

    fn less(&mut self, first: Value, second: Value) -> Value {
        let operation = Operation::IntCompare(IntCompare::Slt, first, second);
        self.emit(Type::I8, operation)
    }

    fn store(&mut self, value: Value, address: Value) {
        self.instructions.push(Instruction {
            operation: Operation::Store(value, address, 0),
            results: vec![],
        });
    }

    fn end(&mut self, parameters: &[Value], end: Terminator) {
        self.blocks.push(BlockBody {
            parameters: parameters.to_vec(),
            instructions: std::mem::take(&mut self.instructions),
            end,
        });
    }
}

fn to(block: u32, arguments: &[Value]) -> Jump {
    Jump {
        block: Block(block),
        arguments: arguments.to_vec(),
    }
}

/// Two loops, one in the other. What the outer one defines anew in each round, and what it keeps in the frame, is used in
/// the inner one and behind it.
fn nested() -> Function {
    let mut made = Builder::default();
    let [outer_bound, inner_bound] = [0; 2].map(|_| made.value(Type::I64));
    let place = made.emit(Type::I64, Operation::SlotAddress(Slot(0)));
    let three = made.int(3);
    made.store(three, place);
    let zero = made.int(0);
    made.end(
        &[outer_bound, inner_bound],
        Terminator::Jump(to(1, &[zero, zero])),
    );
    // 1: the outer loop
    let [round, sum] = [0; 2].map(|_| made.value(Type::I64));
    let scaled = made.binary(Binary::Mul, round, three);
    let begun = made.binary(Binary::Add, scaled, sum);
    let kept = made.emit(Type::I64, Operation::Load(place, 0));
    let more = made.binary(Binary::Add, kept, round);
    made.store(more, place);
    made.end(&[round, sum], Terminator::Jump(to(2, &[zero, begun])));
    // 2: the inner loop
    let [step, inner_sum] = [0; 2].map(|_| made.value(Type::I64));
    let part = made.binary(Binary::Mul, scaled, step);
    let next_sum = made.binary(Binary::Add, inner_sum, part);
    let address = made.emit(Type::I64, Operation::SlotAddress(Slot(0)));
    let stored = made.emit(Type::I64, Operation::Load(address, 0));
    let with_stored = made.binary(Binary::Add, next_sum, stored);
    let one = made.int(1);
    let next_step = made.binary(Binary::Add, step, one);
    let goes_on = made.less(next_step, inner_bound);
    let on = to(2, &[next_step, with_stored]);
    made.end(
        &[step, inner_sum],
        Terminator::Branch(goes_on, on, to(3, &[])),
    );
    // 3: the end of a round
    let one = made.int(1);
    let next_round = made.binary(Binary::Add, round, one);
    let total = made.binary(Binary::Add, with_stored, begun);
    let goes_on = made.less(next_round, outer_bound);
    let on = to(1, &[next_round, total]);
    made.end(&[], Terminator::Branch(goes_on, on, to(4, &[total])));
    // 4
    let result = made.value(Type::I64);
    let kept = made.emit(Type::I64, Operation::Load(place, 0));
    made.end(&[result], Terminator::Return(vec![result, kept]));
    let by_value = Parameter {
        value: Type::I64,
        passing: Passing::Value(Extension::None),
    };
    Function {
        symbol: Symbol(0),
        signature: Signature {
            parameters: vec![by_value; 2],
            results: vec![by_value; 2],
            is_variadic: false,
        },
        values: made.types,
        slots: vec![SlotSize {
            bytes: 8,
            alignment: 8,
        }],
        blocks: made.blocks,
    }
}

fn machine<'a>(function: &'a Function, counter: i32) -> Machine<'a> {
    Machine {
        function,
        memory: [(COUNTER_ADDRESS, u64::from(counter as u32))].into(),
        frames: 0,
        entered: 0,
        left: Vec::new(),
    }
}

#[test]
fn a_loop_is_left_at_any_round() {
    let function = nested();
    let counting = count(&function, HOOKS);
    let mut left_at = [0; 2];
    for (outer, inner) in [(1, 1), (3, 4), (5, 1), (4, 7)] {
        let expected = machine(&function, 0).call(&function, &[outer, inner]);
        let rounds = 1 + outer + outer * inner;
        for counter in 0..=rounds as i32 {
            let mut machine = machine(&function, counter);
            let found = machine.call(&counting, &[outer, inner]);
            assert_eq!(found, expected, "{outer} {inner} {counter}");
            assert_eq!(machine.entered, usize::from(counter == 0));
            // The last is not asked for: the counter is not below zero then.
            assert_eq!(machine.left.len(), usize::from(counter < rounds as i32));
            for header in machine.left {
                left_at[header.0 as usize - 1] += 1;
            }
        }
    }
    assert!(left_at.iter().all(|times| *times > 1), "{left_at:?}");
}

#[test]
fn what_is_about_its_own_frame_stays_there() {
    let mut function = nested();
    let value = Value(function.values.len() as u32);
    function.values.push(Type::I64);
    function.blocks[3].instructions.push(Instruction {
        operation: Operation::FrameAddress,
        results: vec![value],
    });
    assert_eq!(continuation(&function, Block(1)), None);
    assert_eq!(continuation(&function, Block(2)), None);
    let counting = count(&function, HOOKS);
    // The beginning alone counts.
    assert_eq!(counting.blocks.len(), function.blocks.len() + 2);
}

#[test]
fn a_form_is_read_as_it_was_written() {
    let function = nested();
    let bytes = function.encode();
    assert_eq!(Function::decode(&bytes).unwrap(), function);
    assert!(Function::decode(&bytes[..bytes.len() - 1]).is_err());
    let translation = Translation {
        symbols: vec![Name {
            name: "f".into(),
            binding: Binding::Global,
        }],
        functions: vec![Translated {
            symbol: Symbol(0),
            bytes,
        }],
        refused: vec![],
    };
    let encoded = translation.encode();
    assert_eq!(Translation::decode(&encoded).unwrap(), translation);
    assert!(Translation::decode(&encoded[..encoded.len() / 2]).is_err());
}
