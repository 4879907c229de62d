//! How the package systems call the platform that the binary is for.

use anyhow::{Result, bail};

/// A platform, by its names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Platform {
    /// For archives, as Rust and others call it.
    pub(super) archive: &'static str,
    pub(super) npm_os: &'static str,
    pub(super) npm_cpu: &'static str,
    /// In a wheel's name, without the version of the C library.
    pub(super) wheel_cpu: &'static str,
    pub(super) debian: &'static str,
    /// The program's file.
    pub(super) file: &'static str,
}

impl Platform {
    /// The one that this runs on. Packages are made where they are to be used.
    pub(super) fn here() -> Result<Self> {
        let file = if cfg!(windows) { "portwright.exe" } else { "portwright" };
        let of =
            |archive, npm_os, npm_cpu, wheel_cpu, debian| Self { archive, npm_os, npm_cpu, wheel_cpu, debian, file };
        Ok(match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", "x86_64") => of("x86_64-linux-gnu", "linux", "x64", "x86_64", "amd64"),
            ("linux", "aarch64") => of("aarch64-linux-gnu", "linux", "arm64", "aarch64", "arm64"),
            ("macos", "x86_64") => of("x86_64-macos", "darwin", "x64", "x86_64", ""),
            ("macos", "aarch64") => of("aarch64-macos", "darwin", "arm64", "arm64", ""),
            ("windows", "x86_64") => of("x86_64-windows", "win32", "x64", "amd64", ""),
            (os, arch) => bail!("there are no packages for {os} on {arch}"),
        })
    }

    /// A wheel's platform tag.
    pub(super) fn wheel(&self, glibc: Option<(u32, u32)>) -> String {
        match (self.npm_os, glibc) {
            ("linux", Some((major, minor))) => format!("manylinux_{major}_{minor}_{}", self.wheel_cpu),
            ("linux", None) => format!("linux_{}", self.wheel_cpu),
            ("darwin", _) => format!("macosx_11_0_{}", self.wheel_cpu),
            _ => format!("win_{}", self.wheel_cpu),
        }
    }
}

/// The version of the C library that a program needs: the highest among the symbols that it names.
pub(super) fn glibc_of(binary: &[u8]) -> Option<(u32, u32)> {
    const MARK: &[u8] = b"GLIBC_2.";
    let after =
        binary.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK).map(|(at, _)| at + MARK.len());
    let minor = |at: usize| {
        let digits = binary[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        std::str::from_utf8(&binary[at..at + digits]).ok()?.parse::<u32>().ok()
    };
    after.filter_map(minor).max().map(|minor| (2, minor))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_highest_version_of_the_library_counts() {
        assert_eq!(super::glibc_of(b"..GLIBC_2.4\0GLIBC_2.34\0GLIBC_2.17\0GLIBC_2.x"), Some((2, 34)));
        assert_eq!(super::glibc_of(b"static"), None);
    }
}
