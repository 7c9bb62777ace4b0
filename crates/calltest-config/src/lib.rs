//! The calltest YAML: defaults, overrides, located diagnostics; its product is a checked Plan.
