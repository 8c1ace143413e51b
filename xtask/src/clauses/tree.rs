//! The files that are looked at.

use std::fs;
use std::path::Path;

/// A file, by its path from the workspace's folder.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// What obeys clauses. A folder that is not there has nothing to say.
pub(crate) const CODE: [&str; 2] = ["provider-core/src", "provider-dll/src"];

/// What proves them.
pub(crate) const TESTS: [&str; 4] = ["sim/src", "scenarios/src", "tests", WINDOWS_TESTS];

/// Those of the DLL, which need Windows or Wine.
pub(crate) const WINDOWS_TESTS: &str = "provider-dll/tests";

/// The files below `folders` whose names end with one of `extensions`, in the order of their paths.
pub(crate) fn sources(
    root: &Path,
    folders: &[&str],
    extensions: &[&str],
) -> Result<Vec<Source>, String> {
    let mut found = Vec::new();
    for folder in folders {
        collect(&root.join(folder), folder, extensions, &mut found)?;
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn collect(
    folder: &Path,
    name: &str,
    extensions: &[&str],
    found: &mut Vec<Source>,
) -> Result<(), String> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry.map_err(|error| format!("{name}: {error}"))?.path();
        let name = format!("{name}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            collect(&path, &name, extensions, found)?;
        } else if path.extension().is_some_and(|own| extensions.iter().any(|one| own == *one)) {
            let text = fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
            found.push(Source { path: name, text });
        }
    }
    Ok(())
}
