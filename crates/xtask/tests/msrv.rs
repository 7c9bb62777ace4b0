//! Which Rust is needed: what the crates say of it has to be true of all that they are built from.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::semver::Version;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

/// The crate that users install. What it is built from is shipped.
const SHIPPED: &str = "calltest";

/// The packages that a package is built from, itself included; those of its tests as well if they are asked for.
fn built_from<'m>(metadata: &'m Metadata, root: &'m PackageId, with_tests: bool) -> BTreeSet<&'m PackageId> {
    let nodes = &metadata.resolve.as_ref().unwrap().nodes;
    let nodes: BTreeMap<&PackageId, _> = nodes.iter().map(|node| (&node.id, node)).collect();
    let mut found = BTreeSet::new();
    let mut to_do = vec![root];
    while let Some(id) = to_do.pop() {
        if !found.insert(id) {
            continue;
        }
        let is_wanted = |kind| kind != DependencyKind::Development || (with_tests && id == root);
        let dependencies = nodes[id].deps.iter();
        to_do.extend(
            dependencies
                .filter(|dependency| dependency.dep_kinds.iter().any(|kind| is_wanted(kind.kind)))
                .map(|dependency| &dependency.pkg),
        );
    }
    found
}

/// The package among these from a registry that needs the newest Rust.
fn most_demanding<'m>(metadata: &'m Metadata, ids: &BTreeSet<&PackageId>) -> Option<&'m Package> {
    let packages = metadata.packages.iter().filter(|package| ids.contains(&package.id) && package.source.is_some());
    packages.max_by(|a, b| a.rust_version.cmp(&b.rust_version))
}

fn is_shipped(name: &str) -> bool {
    name.starts_with(SHIPPED) || ["asterisk-lab", "asterisk-setup"].contains(&name)
}

#[test]
fn the_rust_that_users_need_is_the_newest_that_a_dependency_asks_for() {
    let metadata = MetadataCommand::new().exec().unwrap();
    let program = metadata.workspace_packages().into_iter().find(|package| *package.name == SHIPPED).unwrap();
    let shipped = built_from(&metadata, &program.id, false);
    let demanding = most_demanding(&metadata, &shipped).unwrap();
    for package in metadata.workspace_packages() {
        if is_shipped(&package.name) {
            let (name, stated) = (&package.name, &package.rust_version);
            assert_eq!(
                stated, &demanding.rust_version,
                "{name} says {stated:?}, {} asks for more or less",
                demanding.id
            );
        }
    }
}

#[test]
fn no_crate_needs_a_newer_rust_than_it_says() {
    let metadata = MetadataCommand::new().exec().unwrap();
    let needs = |package: &Package| package.rust_version.clone().unwrap_or(Version::new(1, 0, 0));
    for package in metadata.workspace_packages() {
        // Whoever works on a crate that is shipped has what xtask needs.
        let with_tests = !is_shipped(&package.name);
        let Some(demanding) = most_demanding(&metadata, &built_from(&metadata, &package.id, with_tests)) else {
            continue;
        };
        assert!(needs(package) >= needs(demanding), "{} says {}, and {}", package.name, needs(package), demanding.id);
    }
}
