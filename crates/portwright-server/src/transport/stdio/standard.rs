//! The process's own input and output. Pipes and sockets, which is what clients give us, are read and written without
//! a thread in between; terminals and files have to make do with one.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) type Input = Box<dyn AsyncRead + Send + Unpin>;
pub(crate) type Output = Box<dyn AsyncWrite + Send + Unpin>;

#[cfg(unix)]
pub(crate) fn standard_streams() -> io::Result<(Input, Output)> {
    use std::fs::File;
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::fs::FileTypeExt;
    use std::os::unix::net::UnixStream as StdStream;

    use tokio::net::UnixStream;
    use tokio::net::unix::pipe;

    fn socket(own: OwnedFd) -> io::Result<UnixStream> {
        let stream = StdStream::from(own);
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream)
    }

    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let kind = file.metadata()?.file_type();
    let input: Input = if kind.is_fifo() {
        Box::new(pipe::Receiver::from_file(file)?)
    } else if kind.is_socket() {
        Box::new(socket(file.into())?)
    } else {
        Box::new(tokio::io::stdin())
    };
    let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let kind = file.metadata()?.file_type();
    let output: Output = if kind.is_fifo() {
        Box::new(pipe::Sender::from_file(file)?)
    } else if kind.is_socket() {
        Box::new(socket(file.into())?)
    } else {
        Box::new(tokio::io::stdout())
    };
    Ok((input, output))
}

#[cfg(not(unix))]
pub(crate) fn standard_streams() -> io::Result<(Input, Output)> {
    Ok((Box::new(tokio::io::stdin()), Box::new(tokio::io::stdout())))
}
