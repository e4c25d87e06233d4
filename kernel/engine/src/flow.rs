//! What a snapshot has seen of a program's control flow, for a compiler elsewhere. The program does not run.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_void};

use bareflow_profile::flow::{Call, ControlFlow, Edge, FunctionFlow};

use crate::Outcome;
use crate::bindings::llvm_flow_visitor_t;
use crate::manager::Manager;

/// Takes what the library tells of one function.
unsafe extern "C" fn take_edge(user: *mut c_void, from: u32, to: u32, taken: u64) {
    // SAFETY: `functions` below passes a function's description, and nothing else refers to it meanwhile.
    let function = unsafe { &mut *user.cast::<FunctionFlow>() };
    function.edges.push(Edge { from, to, taken });
}

unsafe extern "C" fn take_call(user: *mut c_void, target: *const c_char, times: u64, calls: u64) {
    // SAFETY: as for `take_edge`; the library passes null or a string that ends with a zero.
    let (function, target) = unsafe {
        let target = (!target.is_null()).then(|| CStr::from_ptr(target));
        (&mut *user.cast::<FunctionFlow>(), target)
    };
    function.calls.push(Call {
        target: target.map(|name| name.to_string_lossy().into_owned()),
        times,
        calls,
    });
}

fn functions(manager: &Manager) -> Result<Vec<FunctionFlow>, Outcome> {
    let mut functions = Vec::new();
    for (unit, record) in manager.records().iter().enumerate() {
        let mut function = FunctionFlow {
            name: record.name.to_string(),
            edges: Vec::new(),
            calls: Vec::new(),
        };
        let visitor = llvm_flow_visitor_t {
            edge: Some(take_edge),
            call: Some(take_call),
            user: (&raw mut function).cast(),
        };
        manager.visit_flow(unit, &visitor)?;
        if !function.edges.is_empty() {
            functions.push(function);
        }
    }
    Ok(functions)
}

/// Writes it where profiles go.
///
/// # Errors
/// What the library says.
pub(crate) fn write(manager: &Manager) -> Result<(), Outcome> {
    let flow = ControlFlow {
        functions: functions(manager)?,
    };
    // It is made of texts and numbers: it cannot fail.
    if let Ok(text) = serde_json::to_vec(&flow) {
        bareflow_cxx_runtime::platform().write_profile(&text);
    }
    Ok(())
}
