//! Says what the build needs and does not find, before cargo compiles for minutes.

use std::env;
use std::process::{Command, Stdio};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CXX");
    println!("cargo::rerun-if-env-changed=PATH");
    // Where a compiler is named, or is not found by its name, the crates that need it look for it better.
    let elsewhere = env::vars_os().any(|(name, _)| name.to_string_lossy().contains("CXX"));
    if elsewhere || cfg!(windows) {
        return;
    }
    let asked = Command::new("c++").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !asked.is_ok_and(|status| status.success()) {
        println!(
            "cargo::error=there is no C++ compiler `c++`, which some dependencies are built with; install one \
             (Debian, Ubuntu: apt-get install build-essential; Fedora: dnf install gcc-c++; \
             macOS: xcode-select --install), or name yours in the variable CXX"
        );
    }
}
