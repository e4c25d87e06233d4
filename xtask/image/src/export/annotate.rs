//! What was seen of a program's control flow, as LLVM has it in a module's text: weights of branches, counts of entries,
//! the targets of calls by address, and a summary.
//!
//! A function whose text has other edges than were seen, or whose calls are other ones, is left alone so far: what is
//! said of a program never changes what it does.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use bareflow_profile::flow::{FunctionFlow, OUTSIDE};
use md5::{Digest, Md5};

use super::adapt::defined_name;
use super::summary::Summary;

/// What is said of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// By the names of functions.
    pub flows: BTreeMap<String, FunctionFlow>,
    /// How often functions were called of which nothing more is known.
    pub calls: BTreeMap<String, u64>,
}

/// A module's text with what was seen, and of how many functions something is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotated {
    /// The module.
    pub text: String,
    /// How many functions have weights and counts.
    pub function_count: usize,
}

/// The kind of profile that targets of calls are.
const CALL_TARGETS: u32 = 0;
/// The largest weight that LLVM takes.
const MOST_WEIGHT: u64 = u32::MAX as u64;

/// Says in the module's text what was seen.
pub fn annotate(ir: &str, counts: &Counts) -> Annotated {
    let mut text = String::with_capacity(ir.len() + ir.len() / 4);
    let mut summary = Summary::default();
    let mut lines = ir.lines();
    while let Some(line) = lines.next() {
        if !line.starts_with("define ") {
            push(&mut text, line);
            continue;
        }
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "}").collect();
        let known = defined_name(line).and_then(|name| {
            let flow = counts.flows.get(name);
            let weighed = flow.and_then(|flow| Weighed::of(&body, flow));
            let called = counts.calls.get(name);
            weighed.or_else(|| called.map(|calls| Weighed::unknown(&body, *calls)))
        });
        match known {
            Some(known) => {
                summary.add(known.entries, &known.executions);
                push(&mut text, &with_entries(line, known.entries));
                known.lines.iter().for_each(|line| push(&mut text, line));
            }
            None => {
                push(&mut text, line);
                body.iter().for_each(|line| push(&mut text, line));
            }
        }
        push(&mut text, "}");
    }
    Annotated {
        text: with_summary(text, &summary),
        function_count: summary.function_count(),
    }
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn with_entries(define: &str, entries: u64) -> String {
    let line = define.strip_suffix('{').unwrap_or(define);
    format!("{line}!prof !{{!\"function_entry_count\", i64 {entries}}} {{")
}

/// A function's body with what is known of it.
struct Weighed {
    lines: Vec<String>,
    entries: u64,
    /// Of its blocks.
    executions: Vec<u64>,
}

impl Weighed {
    /// Of a function of which nothing but its calls is known.
    fn unknown(body: &[&str], calls: u64) -> Self {
        Self {
            lines: body.iter().map(|line| (*line).to_owned()).collect(),
            entries: calls,
            executions: Vec::new(),
        }
    }

    /// `None` if the function is not the one that was seen.
    fn of(body: &[&str], flow: &FunctionFlow) -> Option<Self> {
        let blocks = Block::all(body)?;
        let taken: HashMap<(u32, u32), u64> = flow
            .edges
            .iter()
            .map(|edge| ((edge.from, edge.to), edge.taken))
            .collect();
        let mut lines: Vec<String> = body.iter().map(|line| (*line).to_owned()).collect();
        let mut executions = Vec::new();
        for (block, number) in blocks.iter().zip(1..) {
            if !block.has_edges(number, &taken, blocks.len() as u32) {
                return None;
            }
            let weights = block.weights(number, &taken);
            executions.push(weights.iter().sum());
            if block.successors.len() > 1
                && let Some(weights) = branch_weights(&weights)
            {
                let line = &mut lines[block.last_line];
                *line = without_profile(line) + &weights;
            }
        }
        let calls: Vec<usize> = (0..body.len())
            .filter(|line| is_call_by_address(body[*line]))
            .collect();
        if calls.len() == flow.calls.len() {
            for (line, call) in calls.iter().zip(&flow.calls) {
                if let Some(target) = &call.target
                    && call.times > 0
                {
                    let line = &mut lines[*line];
                    let (calls, times) = (call.calls, call.times);
                    *line = without_profile(line)
                        + &format!(
                            ", !prof !{{!\"VP\", i32 {CALL_TARGETS}, i64 {calls}, i64 {}, i64 {times}}}",
                            hash_of(target) as i64
                        );
                }
            }
        }
        Some(Self {
            lines,
            entries: *taken.get(&(OUTSIDE, 1))?,
            executions,
        })
    }
}

/// What LLVM knows a function by in profiles.
fn hash_of(name: &str) -> u64 {
    let digest = Md5::digest(name);
    u64::from_le_bytes(digest[..8].try_into().expect("a digest has 16 bytes"))
}

/// As LLVM writes them; `None` if no way was taken.
fn branch_weights(taken: &[u64]) -> Option<String> {
    let most = *taken.iter().max()?;
    if most == 0 {
        return None;
    }
    let scale = most / MOST_WEIGHT + 1;
    let mut text = String::from(", !prof !{!\"branch_weights\"");
    for times in taken {
        // Writing to a String cannot fail.
        let _ = write!(text, ", i32 {}", (times / scale) as u32 as i32);
    }
    text.push('}');
    Some(text)
}

/// The line without what the front end has guessed.
fn without_profile(line: &str) -> String {
    const PROFILE: &str = ", !prof !";
    match line.find(PROFILE) {
        None => line.to_owned(),
        Some(place) => {
            let rest = &line[place + PROFILE.len()..];
            let end = rest
                .find(|letter: char| !letter.is_ascii_digit())
                .unwrap_or(rest.len());
            format!("{}{}", &line[..place], &rest[end..])
        }
    }
}

/// A block, and where it leads.
struct Block {
    /// By numbers, from 1 on, each as often as it is named.
    successors: Vec<u32>,
    /// The last line of its terminator, in the function's body.
    last_line: usize,
    jumps_by_label: bool,
}

impl Block {
    /// The blocks of a body; `None` if it has such as cannot be weighed.
    fn all(body: &[&str]) -> Option<Vec<Self>> {
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        // The first may have no label. Nothing leads there.
        let mut starts = Vec::new();
        for (line, text) in body.iter().enumerate() {
            if let Some(label) = label_of(text) {
                starts.push(line);
                numbers.insert(label, starts.len() as u32);
            } else if starts.is_empty() {
                starts.push(line);
            }
        }
        let ends = starts.iter().skip(1).copied().chain([body.len()]);
        let mut blocks = Vec::new();
        for (start, end) in starts.iter().zip(ends) {
            let lines = &body[*start..end];
            let is_filled = |line: &&str| !line.trim().is_empty();
            let last = lines.iter().rposition(is_filled)?;
            // A switch ends with a line of its own.
            let first = match lines[last].starts_with("  ]") {
                true => lines
                    .iter()
                    .rposition(|line| line.starts_with("  switch "))?,
                false => last,
            };
            let terminator = lines[first..=last].concat();
            let instruction = terminator.trim_start().split(' ').next()?;
            if !["br", "switch", "indirectbr", "ret", "unreachable"].contains(&instruction) {
                return None;
            }
            blocks.push(Self {
                successors: labels_in(&terminator)
                    .map(|label| numbers.get(label).copied())
                    .collect::<Option<_>>()?,
                last_line: start + last,
                jumps_by_label: instruction == "indirectbr",
            });
        }
        Some(blocks)
    }

    /// Whether these are the edges that were seen. Behind the function's own blocks are those that the engine has made
    /// of jumps by labels, some of which it knows to lead to fewer.
    fn has_edges(&self, number: u32, taken: &HashMap<(u32, u32), u64>, count: u32) -> bool {
        let seen: BTreeSet<u32> = taken
            .keys()
            .filter(|(from, to)| *from == number && *to <= count)
            .map(|(_, to)| *to)
            .collect();
        let mut own: BTreeSet<u32> = self.successors.iter().copied().collect();
        if own.is_empty() {
            own.insert(OUTSIDE);
        }
        own == seen || self.jumps_by_label && own.is_superset(&seen)
    }

    /// How often each of its ways was taken; of one that ends, how often it did.
    fn weights(&self, number: u32, taken: &HashMap<(u32, u32), u64>) -> Vec<u64> {
        let times = |to: u32| taken.get(&(number, to)).copied().unwrap_or(0);
        if self.successors.is_empty() {
            return vec![times(OUTSIDE)];
        }
        let named = |to: u32| self.successors.iter().filter(|other| **other == to).count();
        self.successors
            .iter()
            .map(|to| times(*to) / named(*to) as u64)
            .collect()
    }
}

/// The name of the block that begins with this line.
fn label_of(line: &str) -> Option<&str> {
    if line.starts_with([' ', '\t', ';']) {
        return None;
    }
    let (label, _) = match line.starts_with('"') {
        true => line.split_at(line[1..].find('"')? + 2),
        false => line.split_once(':')?,
    };
    Some(label)
}

/// The blocks that a terminator names, in order.
fn labels_in(terminator: &str) -> impl Iterator<Item = &str> {
    terminator.split("label %").skip(1).filter_map(|rest| {
        let length = match rest.strip_prefix('"') {
            Some(quoted) => quoted.find('"')? + 2,
            None => rest.find([',', ' ', ']']).unwrap_or(rest.len()),
        };
        Some(&rest[..length])
    })
}

/// Whether the line is a call of what a value of the function points to.
fn is_call_by_address(line: &str) -> bool {
    let Some(line) = line.strip_prefix("  ") else {
        return false;
    };
    let instruction = match line.starts_with('%') {
        true => line.split_once(" = ").map_or("", |(_, rest)| rest),
        false => line,
    };
    let words = ["tail ", "musttail ", "notail "];
    let call = words
        .iter()
        .find_map(|word| instruction.strip_prefix(word))
        .unwrap_or(instruction);
    call.strip_prefix("call ")
        .and_then(callee)
        .is_some_and(|name| name.starts_with('%'))
}

/// The first name that arguments follow.
fn callee(call: &str) -> Option<&str> {
    let is_part =
        |letter: char| letter.is_ascii_alphanumeric() || ['_', '.', '$', '-'].contains(&letter);
    let mut rest = call;
    loop {
        // What is in assembly is in quotes, and its own callee.
        if rest.starts_with("asm ") {
            return None;
        }
        let place = rest.find(['%', '@', ' '])?;
        let name = &rest[place + 1..];
        let length = match name.strip_prefix('"') {
            Some(quoted) => quoted.find('"')? + 2,
            None => name.find(|letter| !is_part(letter)).unwrap_or(name.len()),
        };
        if !rest[place..].starts_with(' ') && name[length..].starts_with('(') {
            return Some(&rest[place..place + 1 + length]);
        }
        rest = &rest[place + 1..];
    }
}

/// The module with the summary among its flags.
fn with_summary(mut text: String, summary: &Summary) -> String {
    const FLAGS: &str = "!llvm.module.flags = !{";
    let number = text
        .lines()
        .filter_map(|line| line.strip_prefix('!')?.split_once(" = "))
        .filter_map(|(number, _)| number.parse::<u32>().ok())
        .max()
        .map_or(0, |last| last + 1);
    match text.find(FLAGS) {
        Some(place) => text.insert_str(place + FLAGS.len(), &format!("!{number}, ")),
        // Writing to a String cannot fail.
        None => {
            let _ = writeln!(text, "{FLAGS}!{number}}}");
        }
    }
    let _ = writeln!(
        text,
        "!{number} = !{{i32 1, !\"ProfileSummary\", {}}}",
        summary.metadata()
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use bareflow_profile::flow::{Call, Edge};

    const MODULE: &str = r#"
define dso_local i32 @f(i32 noundef %0, ptr noundef %1) #0 {
  %3 = icmp eq i32 %0, 0
  br i1 %3, label %4, label %5, !prof !2

4:                                                ; preds = %2
  %x = call i32 %1(i32 noundef %0), !dbg !1
  call void @free(ptr %1)
  ret i32 %x

5:                                                ; preds = %2
  switch i32 %0, label %4 [
    i32 7, label %5
    i32 9, label %5
  ]
}
define void @g() {
  ret void
}
!llvm.module.flags = !{!0}
!0 = !{i32 1, !"wchar_size", i32 4}
!2 = !{!"branch_weights", i32 1, i32 2000}
"#;

    fn edge(from: u32, to: u32, taken: u64) -> Edge {
        Edge { from, to, taken }
    }

    fn seen() -> FunctionFlow {
        FunctionFlow {
            name: "f".into(),
            edges: vec![
                edge(0, 1, 100),
                edge(1, 2, 30),
                edge(1, 3, 70),
                edge(2, 0, 100),
                edge(3, 2, 70),
                edge(3, 3, 1000),
            ],
            calls: vec![Call {
                target: Some("g".into()),
                times: 90,
                calls: 100,
            }],
        }
    }

    fn counts(flow: FunctionFlow) -> Counts {
        Counts {
            flows: [(flow.name.clone(), flow)].into(),
            calls: [("g".to_owned(), 0)].into(),
        }
    }

    #[test]
    fn what_was_seen_is_said_where_llvm_looks_for_it() {
        let annotated = annotate(MODULE, &counts(seen()));
        assert_eq!(annotated.function_count, 2);
        for part in [
            "@f(i32 noundef %0, ptr noundef %1) #0 !prof !{!\"function_entry_count\", i64 100} {\n",
            "label %4, label %5, !prof !{!\"branch_weights\", i32 30, i32 70}\n",
            // MD5 of "g", the first half, as a signed number.
            "%1(i32 noundef %0), !dbg !1, !prof !{!\"VP\", i32 0, i64 100, i64 ",
            "  ], !prof !{!\"branch_weights\", i32 70, i32 500, i32 500}\n",
            "define void @g() !prof !{!\"function_entry_count\", i64 0} {\n",
            "!llvm.module.flags = !{!3, !0}\n",
            "!3 = !{i32 1, !\"ProfileSummary\", !{",
        ] {
            assert!(annotated.text.contains(part), "{part}\n{}", annotated.text);
        }
        assert_eq!(annotated.text.matches("\"VP\"").count(), 1);
    }

    #[test]
    fn another_function_of_that_name_is_left_alone() {
        let changes: [fn(&mut FunctionFlow); 4] = [
            |flow| flow.edges.remove(5).taken = 0,
            |flow| flow.edges.push(edge(2, 3, 1)),
            |flow| flow.edges[3].from = 4,
            |flow| flow.edges[0].to = 2,
        ];
        for change in changes {
            let mut flow = seen();
            change(&mut flow);
            let annotated = annotate(MODULE, &counts(flow));
            assert!(
                !annotated.text.contains("i32 70, i32 500"),
                "{}",
                annotated.text
            );
            assert_eq!(annotated.function_count, 1);
        }
        let mut flow = seen();
        flow.calls.clear();
        let annotated = annotate(MODULE, &counts(flow));
        assert!(annotated.text.contains("i32 70, i32 500") && !annotated.text.contains("VP"));
    }

    /// The test of RFC 1321 for "a", the first half, as LLVM reads it.
    #[test]
    fn functions_are_known_by_the_first_half_of_md5() {
        assert_eq!(hash_of("a"), 0x0cc1_75b9_c0f1_b6a8_u64.swap_bytes());
    }

    #[test]
    fn large_counts_become_weights_that_llvm_takes() {
        let text = branch_weights(&[u64::from(u32::MAX) * 4, 8]).unwrap();
        assert_eq!(
            text,
            ", !prof !{!\"branch_weights\", i32 -858993460, i32 1}"
        );
        assert_eq!(branch_weights(&[0, 0]), None);
    }

    #[test]
    fn callees_are_told_from_types_and_assembly() {
        for (line, is_by_address) in [
            ("  call void %3()", true),
            ("  %4 = tail call noundef i32 %\"a b\"(ptr %1) #3", true),
            ("  %4 = call i32 (ptr, ...) %2(ptr %1)", true),
            ("  %4 = call %struct.s (ptr) %2(ptr %1)", true),
            ("  call void @f(ptr %2)", false),
            ("  call void @f(ptr sret(%struct.s) %2)", false),
            ("  call void asm sideeffect \"call %rax(x)\", \"\"()", false),
            ("  %5 = musttail call ptr @\"g h\"(ptr %x)", false),
            ("  store ptr %call, ptr %2", false),
        ] {
            assert_eq!(is_call_by_address(line), is_by_address, "{line}");
        }
    }
}
