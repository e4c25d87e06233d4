//! The files of build systems: templates with the distribution's own words, and LLVM's component graph in CMake's language.

use std::fmt::Write;

use bareflow_llvm_config::graph::Graph;

use crate::error::{Error, Result};

/// Puts values in the place of `@NAME@`.
///
/// # Errors
/// [`Error::Build`] names a word that has no value.
pub fn fill(template: &str, values: &[(&str, String)]) -> Result<String> {
    let mut text = template.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("@{name}@"), value);
    }
    let is_name = |word: &&str| {
        !word.is_empty()
            && word
                .chars()
                .all(|character| character.is_ascii_uppercase() || character == '_')
    };
    match text.split('@').skip(1).find(is_name) {
        Some(word) => Err(Error::Build(format!("a template asks for @{word}@"))),
        None => Ok(text),
    }
}

/// `LLVMExports.cmake`: a target for each library, with what it needs.
pub fn exports(graph: &Graph, libraries: &[String]) -> String {
    let mut text = String::from(
        "# A target for each library. What a library needs is linked behind it.\n\
         get_filename_component(_llvm_prefix \"${CMAKE_CURRENT_LIST_DIR}/../../..\" ABSOLUTE)\n",
    );
    for library in libraries {
        let needed: Vec<&str> = graph
            .components()
            .iter()
            .filter(|component| component.library.as_deref() == Some(library))
            .flat_map(|component| libraries_of(graph, &component.requires))
            .filter(|needed| needed != library && libraries.iter().any(|there| there == needed))
            .collect();
        write!(
            text,
            "\nadd_library({library} STATIC IMPORTED GLOBAL)\n\
             set_target_properties({library} PROPERTIES\n  \
             IMPORTED_LOCATION \"${{_llvm_prefix}}/lib/lib{library}.a\"\n  \
             IMPORTED_LINK_INTERFACE_LANGUAGES CXX\n  \
             INTERFACE_INCLUDE_DIRECTORIES \"${{_llvm_prefix}}/include\"\n  \
             INTERFACE_LINK_LIBRARIES \"{}\")\n",
            needed.join(";")
        )
        .expect("a string takes everything");
    }
    text.push_str("\nunset(_llvm_prefix)\n");
    text
}

/// `LLVMComponents.cmake`: the libraries in link order, and those of each component and group.
pub fn components(graph: &Graph, libraries: &[String]) -> String {
    let mut text = format!(
        "# Each library stands before those that it needs.\nset(LLVM_AVAILABLE_LIBS {})\n\n",
        libraries.join(" ")
    );
    for component in graph.components() {
        let found: Vec<&str> = libraries_of(graph, std::slice::from_ref(&component.name))
            .into_iter()
            .filter(|library| libraries.iter().any(|there| there == library))
            .collect();
        writeln!(
            text,
            "set(LLVM_COMPONENT_{}_LIBRARIES {})",
            component.name,
            found.join(" ")
        )
        .expect("a string takes everything");
    }
    text
}

/// The libraries of components: a component's own, and for a group those of its members. Each once.
fn libraries_of<'a>(graph: &'a Graph, names: &[String]) -> Vec<&'a str> {
    fn visit<'a>(graph: &'a Graph, name: &str, depth: usize, found: &mut Vec<&'a str>) {
        let mut components = graph.components().iter();
        let Some(component) = components.find(|component| component.name == name) else {
            return;
        };
        match &component.library {
            Some(library) if found.contains(&library.as_str()) => {}
            Some(library) => found.push(library),
            // Groups are of groups at most a few levels deep; a circle ends here.
            None if depth > 0 => {
                for member in &component.requires {
                    visit(graph, member, depth - 1, found);
                }
            }
            None => {}
        }
    }
    let mut found = Vec::new();
    for name in names {
        visit(graph, name, 4, &mut found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Graph {
        Graph::parse(
            "{ \"all\", nullptr, true, {\"core\", \"native\"} },\n\
             { \"core\", \"LLVMCore\", true, {\"support\"} },\n\
             { \"native\", nullptr, true, {\"x86\"} },\n\
             { \"support\", \"LLVMSupport\", true, {} },\n\
             { \"x86\", nullptr, true, {\"x86codegen\"} },\n\
             { \"x86codegen\", \"LLVMX86CodeGen\", true, {\"core\", \"native\"} },\n",
        )
        .unwrap()
    }

    fn libraries(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn templates_have_values_for_all_their_words() {
        let values = [("VERSION", "18".to_owned())];
        assert_eq!(fill("a @VERSION@ \"@\"", &values).unwrap(), "a 18 \"@\"");
        assert!(fill("@VERSION@ @TRIPLE@", &values).is_err());
    }

    #[test]
    fn a_target_links_what_its_component_needs_and_nothing_that_is_not_there() {
        let text = exports(&graph(), &libraries(&["LLVMX86CodeGen", "LLVMCore"]));
        assert!(text.contains("add_library(LLVMX86CodeGen STATIC IMPORTED GLOBAL)"));
        assert!(text.contains("INTERFACE_LINK_LIBRARIES \"LLVMCore\""));
        assert!(!text.contains("LLVMSupport"));
    }

    #[test]
    fn a_group_has_the_libraries_of_its_members() {
        let all = libraries(&["LLVMX86CodeGen", "LLVMCore", "LLVMSupport"]);
        let text = components(&graph(), &all);
        assert!(text.contains("set(LLVM_COMPONENT_native_LIBRARIES LLVMX86CodeGen)"));
        assert!(text.contains("set(LLVM_COMPONENT_all_LIBRARIES LLVMCore LLVMX86CodeGen)"));
        assert!(text.contains("set(LLVM_COMPONENT_core_LIBRARIES LLVMCore)"));
    }
}
