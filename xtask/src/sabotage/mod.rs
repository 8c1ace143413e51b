//! Breaking a copy of the provider core in known ways, one at a time, to see what notices.
//!
//! A sabotage is a file: a line on what it breaks, then edits. Each edit names a file and holds the
//! old and the new text between marks; the old text must stand in the file exactly once, so that
//! one that no longer fits is noticed.

mod model;
mod mutants;
mod plants;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use crate::step::Outcome;

pub(crate) use model::run as model;
pub(crate) use mutants::run as mutants;
pub(crate) use plants::run as plants;

struct Edit {
    file: String,
    old: String,
    new: String,
}

struct Sabotage {
    name: String,
    about: String,
    edits: Vec<Edit>,
}

/// The sabotages in a folder of tests/ that are named, or all of it. `kind` is what a file is
/// called and how it ends.
fn chosen(folder: &Path, kind: &str, names: &[&str]) -> Result<Vec<Sabotage>, String> {
    let mut all = read_all(folder, kind)?;
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|s| s.name != **name)) {
        let known: Vec<&str> = all.iter().map(|s| s.name.as_str()).collect();
        return Err(format!("there is no {kind} `{unknown}`; there are {}", known.join(", ")));
    }
    all.retain(|s| names.is_empty() || names.contains(&s.name.as_str()));
    Ok(all)
}

fn read_all(folder: &Path, kind: &str) -> Result<Vec<Sabotage>, String> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == kind))
        .collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Result<Sabotage, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let damaged = |what: &str| format!("{}: {what}", path.display());
    let (about, rest) = text.split_once('\n').ok_or_else(|| damaged("is empty"))?;
    let mut edits = Vec::new();
    for block in rest.split("\nfile: ").skip(1) {
        let (file, body) = block.split_once("\n<<<<<<<\n").ok_or_else(|| damaged("no <<<<<<<"))?;
        let (old, body) = body.split_once("=======\n").ok_or_else(|| damaged("no ======="))?;
        let (new, _) = body.split_once(">>>>>>>").ok_or_else(|| damaged("no >>>>>>>"))?;
        edits.push(Edit { file: file.trim().into(), old: old.into(), new: new.into() });
    }
    if edits.is_empty() {
        return Err(damaged("has no edits"));
    }
    Ok(Sabotage { name, about: about.into(), edits })
}

fn apply(sabotage: &Sabotage, tree: &Path) -> Outcome {
    for edit in &sabotage.edits {
        let path = tree.join(&edit.file);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", edit.file))?;
        let count = text.matches(&edit.old).count();
        if count != 1 {
            return Err(format!(
                "{}: its old text stands {count} times in {}, and must stand there once",
                sabotage.name, edit.file
            ));
        }
        fs::write(&path, text.replacen(&edit.old, &edit.new, 1))
            .map_err(|error| format!("{}: {error}", edit.file))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::root;

    /// One that no longer fits would be noticed only by whoever tries it.
    #[test]
    fn every_sabotage_fits_the_core() {
        let tests = root().join("tests");
        let read = |folder: &str, kind| {
            read_all(&tests.join(folder), kind).unwrap_or_else(|why| panic!("{why}"))
        };
        let (plants, mutants) = (read("plants", "plant"), read("mutants", "mutant"));
        assert!(!plants.is_empty() && !mutants.is_empty());
        for Sabotage { name, edits, .. } in plants.into_iter().chain(mutants) {
            for Edit { file, old, .. } in edits {
                let text = fs::read_to_string(root().join(&file));
                let text = text.unwrap_or_else(|why| panic!("{name}: {file}: {why}"));
                assert_eq!(text.matches(&old).count(), 1, "{name}: its old text in {file}");
            }
        }
    }
}
