//! What the system says of this process.

use std::fs;

/// Memory, time and files of this process, where the system tells.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Process {
    pub(crate) resident_bytes: Option<u64>,
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) open_fds: Option<u64>,
    pub(crate) max_fds: Option<u64>,
    pub(crate) threads: Option<u64>,
}

impl Process {
    /// As it is now. Only Linux tells.
    pub(crate) fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
        Self {
            resident_bytes: field("VmRSS:").map(|kib| kib * 1024),
            cpu_seconds: cpu_seconds(&fs::read_to_string("/proc/self/stat").unwrap_or_default()),
            open_fds: fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64),
            max_fds: files.and_then(|line| line.split_whitespace().next()?.parse().ok()),
            threads: field("Threads:"),
        }
    }
}

/// User and system time of `/proc/self/stat`. The process's name in it may hold anything, up to the last parenthesis.
fn cpu_seconds(stat: &str) -> Option<f64> {
    /// Linux tells these times in hundredths to every program.
    const TICKS: f64 = 100.0;
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u32>().ok();
    Some((f64::from(next()?) + f64::from(next()?)) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::{Process, cpu_seconds};

    #[test]
    fn a_name_with_anything_in_it_is_no_matter() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 4 0";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells() {
        let process = Process::now();
        assert!(process.resident_bytes.is_some_and(|bytes| bytes > 0) && process.open_fds.is_some());
        assert!(process.cpu_seconds.is_some() && process.max_fds.is_some() && process.threads.is_some());
    }
}
