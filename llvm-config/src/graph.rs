//! Components, the libraries they stand for, and what they need.

use std::collections::HashMap;
use std::fmt;

/// A component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Its name, in lower case.
    pub name: String,
    /// Its library, such as `LLVMCore`; a group has none.
    pub library: Option<String>,
    /// Names of the components that it needs.
    pub requires: Vec<String>,
}

/// Why a text or a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphError {
    /// The text is not what LLVM's build writes; the line.
    Malformed(String),
    /// There is no such component.
    UnknownComponent(String),
}

impl fmt::Display for GraphError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Malformed(line) => write!(formatter, "this is no component: {line}"),
            Self::UnknownComponent(name) => write!(formatter, "unknown component name: {name}"),
        }
    }
}

impl std::error::Error for GraphError {}

/// The component graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    components: Vec<Component>,
    index: HashMap<String, usize>,
}

impl Graph {
    /// Reads the table that LLVM's CMake function `LLVMBuildGenerateCFragment` writes.
    ///
    /// # Errors
    /// [`GraphError::Malformed`] names the first line that is not an entry.
    pub fn parse(text: &str) -> Result<Self, GraphError> {
        let mut components = Vec::new();
        for line in text
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("{ \""))
        {
            components
                .push(parse_entry(line).ok_or_else(|| GraphError::Malformed(line.to_owned()))?);
        }
        if components.is_empty() {
            return Err(GraphError::Malformed("there are no entries".to_owned()));
        }
        let index = components
            .iter()
            .enumerate()
            .map(|(index, component): (usize, &Component)| (component.name.clone(), index))
            .collect();
        Ok(Self { components, index })
    }

    /// All components in the order of the table.
    #[must_use]
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// The names of the components whose library is `library`.
    #[must_use]
    pub fn components_of(&self, library: &str) -> Vec<String> {
        self.components
            .iter()
            .filter(|component| component.library.as_deref() == Some(library))
            .map(|component| component.name.clone())
            .collect()
    }

    /// The libraries that components need, each before those that it needs itself: the order in which a
    /// linker wants them.
    ///
    /// # Errors
    /// [`GraphError::UnknownComponent`].
    pub fn libraries(&self, names: &[String]) -> Result<Vec<&str>, GraphError> {
        let mut visited = vec![false; self.components.len()];
        let mut libraries = Vec::new();
        for name in names {
            self.visit(name, &mut visited, &mut libraries)?;
        }
        libraries.reverse();
        Ok(libraries)
    }

    fn visit<'a>(
        &'a self,
        name: &str,
        visited: &mut [bool],
        libraries: &mut Vec<&'a str>,
    ) -> Result<(), GraphError> {
        let lower = name.to_lowercase();
        let index = *self
            .index
            .get(&lower)
            .ok_or_else(|| GraphError::UnknownComponent(name.to_owned()))?;
        if std::mem::replace(&mut visited[index], true) {
            return Ok(());
        }
        let component = &self.components[index];
        for required in &component.requires {
            self.visit(required, visited, libraries)?;
        }
        libraries.extend(component.library.as_deref());
        Ok(())
    }
}

/// `{ "core", "LLVMCore", true, {"binaryformat", "support"} },`
fn parse_entry(line: &str) -> Option<Component> {
    let (head, requires) = line.strip_prefix('{')?.split_once('{')?;
    let mut fields = head.split(',').map(str::trim);
    let quoted = |field: &str| Some(field.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    let name = quoted(fields.next()?)?;
    let library = match fields.next()? {
        "nullptr" => None,
        field => Some(quoted(field)?),
    };
    let requires = requires.split_once('}')?.0;
    let requires = requires
        .split(',')
        .map(str::trim)
        .filter(|field| !field.is_empty())
        .map(quoted);
    Some(Component {
        name,
        library,
        requires: requires.collect::<Option<_>>()?,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const SAMPLE: &str = r#"
  struct AvailableComponent { const char *Name; } AvailableComponents[4] = {
  { "all", nullptr, true, {"core", "support", "engine"} },
{ "core", "LLVMCore", true, {"support", "binaryformat"} },
{ "binaryformat", "LLVMBinaryFormat", true, {"support"} },
{ "engine", nullptr, true, {"core", "x86codegen"} },
{ "support", "LLVMSupport", true, {} },
{ "x86codegen", "LLVMX86CodeGen", true, {"core"} },
};"#;

    fn libraries(names: &[&str]) -> Result<Vec<String>, GraphError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let graph = Graph::parse(SAMPLE).unwrap();
        Ok(graph
            .libraries(&names)?
            .into_iter()
            .map(str::to_owned)
            .collect())
    }

    #[test]
    fn a_library_stands_before_what_it_needs() {
        assert_eq!(
            libraries(&["core"]).unwrap(),
            ["LLVMCore", "LLVMBinaryFormat", "LLVMSupport"]
        );
        assert_eq!(
            libraries(&["engine"]).unwrap(),
            [
                "LLVMX86CodeGen",
                "LLVMCore",
                "LLVMBinaryFormat",
                "LLVMSupport"
            ]
        );
    }

    #[test]
    fn names_are_case_insensitive_and_duplicates_are_dropped() {
        assert_eq!(
            libraries(&["Core", "support", "core"]).unwrap(),
            libraries(&["core"]).unwrap()
        );
    }

    #[test]
    fn unknown_components_are_named() {
        assert_eq!(
            libraries(&["cores"]),
            Err(GraphError::UnknownComponent("cores".to_owned()))
        );
    }

    #[test]
    fn the_components_of_a_library_are_found() {
        let graph = Graph::parse(SAMPLE).unwrap();
        assert_eq!(graph.components_of("LLVMCore"), ["core"]);
        assert_eq!(graph.components_of("c++"), Vec::<String>::new());
    }

    #[test]
    fn other_texts_are_refused() {
        assert!(Graph::parse("").is_err());
        assert!(Graph::parse("{ \"core\", LLVMCore, true, {} },").is_err());
    }
}
