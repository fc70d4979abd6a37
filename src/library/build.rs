//! Which program this is: the same build gives the same answers.

use std::fs::File;
use std::io::Read;
use std::sync::LazyLock;

/// The version, and the linker's build id where there is one; else the length
/// of the program file.
pub fn build() -> &'static str {
    static BUILD: LazyLock<String> = LazyLock::new(|| {
        let id = std::env::current_exe().ok().and_then(|path| {
            let mut head = Vec::new();
            let file = File::open(path).ok()?;
            let length = file.metadata().ok()?.len();
            file.take(HEAD).read_to_end(&mut head).ok()?;
            Some(build_id(&head).unwrap_or_else(|| format!("{length} bytes")))
        });
        format!("{} {}", env!("CARGO_PKG_VERSION"), id.unwrap_or_else(|| "unknown".into()))
    });
    &BUILD
}

/// The instructions of this processor that decide how the kernels round.
pub fn cpu() -> String {
    #[cfg(target_arch = "x86_64")]
    let features = [
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        ("avx512vnni", std::arch::is_x86_feature_detected!("avx512vnni")),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let features: [(&str, bool); 0] = [];
    let present = features.iter().filter(|(_, there)| *there).map(|(name, _)| format!(" {name}"));
    format!("{}{}", std::env::consts::ARCH, present.collect::<String>())
}

/// The notes stand at the head of an ELF file.
const HEAD: u64 = 16 << 10;

/// The ELF note that holds the build id: name length 4, kind 3, "GNU".
fn build_id(head: &[u8]) -> Option<String> {
    let at = head.windows(16).position(|w| w[..4] == [4, 0, 0, 0] && w[8..] == *b"\x03\0\0\0GNU\0")?;
    let length = usize::try_from(u32::from_le_bytes(*head[at + 4..].first_chunk()?)).ok()?;
    let id = head.get(at + 16..at + 16 + length.min(64))?;
    Some(id.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_note_is_found() {
        let mut head = vec![0x7f; 100];
        head.extend([4, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0]);
        head.extend(b"GNU\0\x01\xab\xff");
        assert_eq!(build_id(&head).unwrap(), "01abff");
        assert_eq!(build_id(&head[..110]), None);
        assert_eq!(build_id(b"short"), None);
    }

    #[test]
    fn this_program_has_a_build() {
        assert!(build().starts_with(env!("CARGO_PKG_VERSION")) && !build().ends_with("unknown"));
    }
}
