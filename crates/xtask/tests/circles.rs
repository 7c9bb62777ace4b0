//! No circles of files inside a crate: what two files need of each other belongs into a third, below both.
//!
//! Files are the nodes, `use` lines the edges. A name that a file only passes on (`pub use`) is looked for where it comes
//! from, so a crate's `lib.rs` may show what lies below it. Code of tests does not count.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sources::code;

/// The name of a module: the folders and the file that lead to it. The crate's root has none.
type Module = Vec<String>;

/// One file of a crate, as far as this test reads it.
#[derive(Default)]
struct File {
    /// The paths that it uses, each with the name under which it is known here.
    uses: Vec<Use>,
}

struct Use {
    path: Vec<String>,
    name: String,
    /// Whether it is there for others (`pub use`).
    is_passed_on: bool,
}

/// All `use` declarations of some code, its groups in braces taken apart.
fn uses(code: &str) -> Vec<Use> {
    let mut uses = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find("use ") {
        let line = rest[..start].rfind('\n').map_or(0, |end| end + 1);
        let before = rest[line..start].trim();
        let end = rest[start..].find(';').map_or(rest.len(), |end| start + end);
        if before.is_empty() || before.starts_with("pub") {
            let mut paths = Vec::new();
            expand("", &rest[start + "use ".len()..end], &mut paths);
            uses.extend(paths.into_iter().map(|path| {
                let (path, renamed) =
                    path.split_once(" as ").map_or((path.as_str(), None), |(path, name)| (path, Some(name)));
                let path: Vec<String> = path.split("::").map(str::to_owned).collect();
                let name = renamed.unwrap_or(path.last().unwrap()).to_owned();
                Use { path, name, is_passed_on: before.starts_with("pub") }
            }));
            rest = &rest[end..];
        } else {
            rest = &rest[start + "use ".len()..];
        }
    }
    uses
}

/// Takes `a::{b, c::{self, d}}` apart.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else {
        let path = format!("{prefix}{tree}");
        return paths.push(path.trim_end_matches("::self").to_owned());
    };
    // Text of a generator may look like code.
    let Some(end) = group.rfind('}') else { return };
    let group = &group[..end];
    let (mut depth, mut start) = (0, 0);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&format!("{prefix}{head}"), &group[start..at], paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !group[start..].trim().is_empty() {
        expand(&format!("{prefix}{head}"), &group[start..], paths);
    }
}

/// The files of a crate by module.
fn read(sources: &Path) -> BTreeMap<Module, File> {
    fn walk(folder: &Path, module: &Module, files: &mut BTreeMap<Module, File>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let is_own = ["lib", "main", "mod"].contains(&stem.as_str());
            let module: Module = module.iter().cloned().chain((!is_own).then_some(stem.clone())).collect();
            if path.is_dir() {
                walk(&path, &module, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") && stem != "tests" {
                files.entry(module).or_default().uses.extend(uses(&code(&fs::read_to_string(&path).unwrap())));
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(sources, &Module::new(), &mut files);
    files
}

/// The file in which what this path names is defined; `None` for what comes from elsewhere.
fn target(files: &BTreeMap<Module, File>, from: &Module, path: &[String], depth: usize) -> Option<Module> {
    let mut parts = path.iter().map(String::as_str).peekable();
    let mut module = match parts.peek()? {
        &"crate" => Module::new(),
        &"self" | &"super" => from.clone(),
        first => {
            let child: Module = from.iter().cloned().chain([(*first).to_owned()]).collect();
            return files
                .contains_key(&child)
                .then(|| target(files, &Module::new(), &from_root(&child, &path[1..]), depth))?;
        }
    };
    for part in parts {
        match part {
            "crate" | "self" => {}
            "super" => drop(module.pop()),
            part => {
                let child: Module = module.iter().cloned().chain([part.to_owned()]).collect();
                if files.contains_key(&child) {
                    module = child;
                    continue;
                }
                // A name that the module only passes on.
                let passed_on = files.get(&module)?.uses.iter().find(|used| used.is_passed_on && used.name == part);
                return match passed_on {
                    Some(used) if depth > 0 => target(files, &module, &used.path, depth - 1),
                    _ => Some(module),
                };
            }
        }
    }
    Some(module)
}

/// A path from the crate's root.
fn from_root(module: &Module, rest: &[String]) -> Vec<String> {
    ["crate".to_owned()].into_iter().chain(module.iter().cloned()).chain(rest.iter().cloned()).collect()
}

/// The sets of files that need each other, each by its names.
fn circles(files: &BTreeMap<Module, File>) -> Vec<Vec<String>> {
    let edges: BTreeMap<&Module, BTreeSet<Module>> = files
        .iter()
        .map(|(module, file)| {
            let used = file.uses.iter().filter(|used| !used.is_passed_on);
            let targets = used.filter_map(|used| target(files, module, &used.path, 8)).filter(|other| other != module);
            (module, targets.collect())
        })
        .collect();
    let reach = |start: &Module| {
        let mut reached = BTreeSet::new();
        let mut open = vec![start.clone()];
        while let Some(module) = open.pop() {
            open.extend(
                edges.get(&module).into_iter().flatten().filter(|next| reached.insert((*next).clone())).cloned(),
            );
        }
        reached
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> = files.keys().map(|module| (module, reach(module))).collect();
    let circles: BTreeSet<Vec<String>> = files
        .keys()
        .filter(|module| reached[module].contains(*module))
        .map(|module| {
            let others = reached[module].iter().filter(|other| reached[other].contains(module));
            others.map(|other| if other.is_empty() { "(root)".into() } else { other.join("::") }).collect()
        })
        .collect();
    circles.into_iter().collect()
}

/// Each crate's name, and the folder of its sources.
fn crates() -> Vec<(String, PathBuf)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path());
    let folders = folders.filter(|folder| folder.join("src").is_dir());
    folders.map(|folder| (folder.file_name().unwrap().to_str().unwrap().to_owned(), folder.join("src"))).collect()
}

#[test]
fn files_form_no_circles() {
    let mut wrong = Vec::new();
    for (name, sources) in crates() {
        let circles = circles(&read(&sources));
        if !circles.is_empty() {
            wrong.push(format!("{name} has {} circles, expected none: {circles:#?}", circles.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the files of a made-up crate use, by module.
fn made_up(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let module = |name: &str| name.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
    circles(&files.iter().map(|(name, text)| (module(name), File { uses: uses(&code(text)) })).collect())
}

#[test]
fn a_circle_is_found_when_there_is_one() {
    assert_eq!(
        made_up(&[("", ""), ("a", "use crate::b::B;"), ("b", "use crate::c::{C, D};"), ("c", "")]),
        [[""; 0]; 0]
    );
    assert_eq!(made_up(&[("a", "use crate::b::B;"), ("b", "pub(crate) struct B;\nuse crate::a::A;")]), [["a", "b"]]);
    // By way of three files, and of a group in braces.
    let three =
        [("a", "use crate::{\n    b::{self, B},\n};"), ("b", "use crate::c::C as D;"), ("c", "use crate::a::A;")];
    assert_eq!(made_up(&three), [["a", "b", "c"]]);
    // A name that the root passes on leads to where it is defined; the root itself is a file too.
    assert_eq!(made_up(&[("", "pub use b::B;"), ("a", "use crate::B;"), ("b", "use super::a::A;")]), [["a", "b"]]);
    assert_eq!(made_up(&[("", "use a::A;"), ("a", "use crate::Root;")]), [["(root)", "a"]]);
    // Between a folder and its own files.
    assert_eq!(made_up(&[("a", "use b::B;"), ("a::b", "use super::A;")]), [["a", "a::b"]]);
    // What only tests use is no edge.
    let tests = "fn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n";
    assert_eq!(made_up(&[("a", "use crate::b::B;"), ("b", tests)]), [[""; 0]; 0]);
}
