use alloc::vec;

use bareflow_lir::{
    Block, BlockBody, Callee, Extension, Instruction, IntCompare, Jump, Signature, SlotSize, Symbol,
};

use super::*;

fn parameter(value: Type) -> Parameter {
    Parameter {
        value,
        passing: Passing::Value(Extension::None),
    }
}

fn jump(block: u32, arguments: &[u32]) -> Jump {
    Jump {
        block: Block(block),
        arguments: arguments.iter().map(|value| Value(*value)).collect(),
    }
}

fn instruction(operation: Operation, results: &[u32]) -> Instruction {
    Instruction {
        operation,
        results: results.iter().map(|value| Value(*value)).collect(),
    }
}

fn block(parameters: &[u32], instructions: Vec<Instruction>, end: Terminator) -> BlockBody {
    BlockBody {
        parameters: parameters.iter().map(|value| Value(*value)).collect(),
        instructions,
        end,
    }
}

/// A function of these parameters with one result of the first one's type.
fn function(values: &[Type], parameters: usize, blocks: Vec<BlockBody>) -> Function {
    let parameters = values[..parameters].iter().copied().map(parameter);
    Function {
        symbol: Symbol(0),
        signature: Signature {
            parameters: parameters.collect(),
            results: vec![parameter(values[0])],
            is_variadic: false,
        },
        values: values.into(),
        slots: Vec::new(),
        blocks,
    }
}

/// QBE is for one thread.
static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// The text, which QBE and the assembler take if they are there.
fn text(function: &Function) -> String {
    let text = write(function).unwrap();
    if cfg!(has_qbe) {
        let _guard = ONE.lock().unwrap();
        crate::code(function).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    }
    text
}

#[test]
fn a_block_that_leads_to_itself_does_so_by_another_one() {
    let compare = Operation::IntCompare(IntCompare::Ne, Value(1), Value(0));
    let again = Terminator::Branch(Value(2), jump(1, &[0]), jump(2, &[]));
    let made = text(&function(
        &[Type::I32, Type::I32, Type::I8],
        1,
        vec![
            block(&[0], vec![], Terminator::Jump(jump(1, &[0]))),
            block(&[1], vec![instruction(compare, &[2])], again),
            block(&[], vec![], Terminator::Return(vec![Value(1)])),
        ],
    ));
    assert!(made.contains("\t%t2 =w phi @b0 %t1, @x1 %t1\n"), "{made}");
    assert!(
        made.contains("\tjnz %t4, @x1, @b2\n@x1\n\tjmp @b1\n"),
        "{made}"
    );
}

#[test]
fn two_ways_to_one_block_are_told_apart() {
    let end = Terminator::Branch(Value(1), jump(1, &[0]), jump(1, &[2]));
    let made = text(&function(
        &[Type::I64, Type::I8, Type::I64, Type::I64],
        3,
        vec![
            block(&[0, 1, 2], vec![], end),
            block(&[3], vec![], Terminator::Return(vec![Value(3)])),
        ],
    ));
    assert!(made.contains("phi @x1 %t1, @x2 %t3\n"), "{made}");
}

#[test]
fn no_phi_has_more_ways_than_qbe_has_room_for() {
    let cases = (0..200).map(|number| (number * 3, jump(1, &[0])));
    let end = Terminator::Switch(Value(0), cases.collect(), jump(1, &[1]));
    let made = text(&function(
        &[Type::I16, Type::I16, Type::I16],
        2,
        vec![
            block(&[0, 1], vec![], end),
            block(&[2], vec![], Terminator::Return(vec![Value(2)])),
        ],
    ));
    let phis = made.lines().filter(|line| line.contains(" phi "));
    let ways: Vec<usize> = phis.map(|line| line.matches('@').count()).collect();
    assert!(ways.iter().all(|ways| *ways <= 60), "{ways:?}");
    // The ways of the switch, the ways from where those meet, and the two to the first block.
    assert_eq!(ways.iter().sum::<usize>(), 201 + 4 + 2);
}

#[test]
fn narrow_integers_have_zeros_above() {
    let add = Operation::Binary(bareflow_lir::Binary::Add, Value(0), Value(1));
    let less = Operation::IntCompare(IntCompare::Slt, Value(2), Value(1));
    let made = text(&function(
        &[Type::I8, Type::I8, Type::I8, Type::I8],
        2,
        vec![block(
            &[0, 1],
            vec![instruction(add, &[2]), instruction(less, &[3])],
            Terminator::Return(vec![Value(3)]),
        )],
    ));
    for line in [
        "=w extub %t3",
        "=w add %t1, %t2",
        "=w extsb %t2",
        "=w csltw ",
    ] {
        assert!(made.contains(line), "{line}\n{made}");
    }
}

#[test]
fn calls_pass_what_the_convention_wants() {
    let copied = Parameter {
        value: Type::I64,
        passing: Passing::Copied(24),
    };
    let signed = Parameter {
        value: Type::I8,
        passing: Passing::Value(Extension::Sign),
    };
    let call = |parameters: Vec<Parameter>, results: Vec<Parameter>, is_variadic| Signature {
        parameters,
        results,
        is_variadic,
    };
    let two = call(
        vec![copied, signed],
        vec![parameter(Type::F64), parameter(Type::I32)],
        false,
    );
    let variadic = call(vec![parameter(Type::I64)], vec![], true);
    let symbol = Callee::Symbol(Symbol(7));
    let made = text(&function(
        &[Type::I64, Type::I8, Type::F64, Type::I32],
        2,
        vec![block(
            &[0, 1],
            vec![
                instruction(
                    Operation::Call(symbol, two, vec![Value(0), Value(1)]),
                    &[2, 3],
                ),
                instruction(Operation::Call(symbol, variadic, vec![Value(0)]), &[]),
            ],
            Terminator::Return(vec![Value(0)]),
        )],
    ));
    for line in [
        "type :c24 = align 8 { 24 }\n",
        "=w extsb ",
        "=:dl call $s7(:c24 %t",
        "=d loadd ",
        "=w loadw ",
        "\tcall $s7(l %t1, ...)\n",
    ] {
        assert!(made.contains(line), "{line}\n{made}");
    }
}

#[test]
fn the_address_of_a_result_is_returned_and_two_results_go_by_the_frame() {
    let mut one = function(
        &[Type::I64],
        1,
        vec![block(&[0], vec![], Terminator::Return(vec![]))],
    );
    one.signature.parameters[0].passing = Passing::ResultAddress;
    one.signature.results.clear();
    let made = text(&one);
    assert!(made.contains("export function l $own(l %t2) {\n"), "{made}");
    assert!(made.contains("\tret %t2\n"), "{made}");

    let returned = Terminator::Return(vec![Value(0), Value(1)]);
    let mut two = function(
        &[Type::F32, Type::I64],
        2,
        vec![block(&[0, 1], vec![], returned)],
    );
    two.signature.results.push(parameter(Type::I64));
    let made = text(&two);
    assert!(
        made.contains("export function :dl $own(s %t4, l %t5) {\n"),
        "{made}"
    );
    assert!(made.contains("\tstorel %t2, %t8\n"), "{made}");
}

#[test]
fn frames_are_aligned() {
    let mut aligned = function(
        &[Type::I64],
        0,
        vec![block(
            &[],
            vec![instruction(
                Operation::SlotAddress(bareflow_lir::Slot(0)),
                &[0],
            )],
            Terminator::Return(vec![Value(0)]),
        )],
    );
    aligned.slots.push(SlotSize {
        bytes: 100,
        alignment: 64,
    });
    let made = text(&aligned);
    assert!(made.contains("=l alloc16 148\n"), "{made}");
    assert!(made.contains("=l and %t2, -64\n"), "{made}");
}

#[test]
fn what_qbe_does_not_know_is_refused_by_kind() {
    let with = |values: &[Type], operation: Operation, results: &[u32]| {
        write(&function(
            values,
            1,
            vec![block(
                &[0],
                vec![instruction(operation, results)],
                Terminator::Return(vec![Value(0)]),
            )],
        ))
    };
    let refused = |reason: &str| Err(Error::Refused(reason.into()));
    let word = [Type::I64, Type::I64];
    assert_eq!(
        with(&[Type::I64, Type::I128], Operation::Int(1), &[1]),
        refused("type: 128 bits")
    );
    assert_eq!(
        with(&word, Operation::AtomicLoad(Value(0)), &[1]),
        refused("instruction: atomic operation")
    );
    assert_eq!(
        with(&word, Operation::Fence, &[]),
        refused("instruction: atomic operation")
    );
    assert_eq!(
        with(&word, Operation::FrameAddress, &[1]),
        refused("intrinsic: the frame's address")
    );
    let signature = Signature {
        parameters: vec![Parameter {
            value: Type::I64,
            passing: Passing::Copied(8192),
        }],
        results: vec![],
        is_variadic: false,
    };
    let call = Operation::Call(Callee::Symbol(Symbol(1)), signature, vec![Value(0)]);
    assert_eq!(with(&word, call, &[]), refused("passing: a large copy"));
}

#[test]
fn what_comes_after_a_trap_is_left_out() {
    let made = text(&function(
        &[Type::I64, Type::I64],
        1,
        vec![
            block(
                &[0],
                vec![instruction(Operation::Trap, &[])],
                Terminator::Jump(jump(1, &[0])),
            ),
            block(&[1], vec![], Terminator::Return(vec![Value(1)])),
        ],
    ));
    assert!(made.contains("\thlt\n") && !made.contains("ret"), "{made}");
}
