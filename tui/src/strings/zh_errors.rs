//! Errors and notices in Chinese. Words of the system and of the daemon about details stay as they
//! are.

use std::fmt::Display;

use gte_shared::client::{ClientError, Notice};
use gte_shared::wire::{ErrorCode, ErrorReply};

/// One line for an error, with the next step in parentheses.
pub(super) fn client_error(error: &ClientError) -> String {
    let (message, hint) = match error {
        ClientError::NotRunning(socket) => (
            format!("{} 处没有守护进程", socket.display()),
            Some("请运行 gted serve，或不带 --no-start 启动 gte".to_owned()),
        ),
        ClientError::Connect { socket, source } => {
            (format!("无法连接 {}：{source}", socket.display()), None)
        }
        ClientError::Endpoint(error) => (format!("套接字不可用：{error}"), error.hint()),
        ClientError::Mismatch(detail) | ClientError::Handshake(detail) => (
            format!("gte 与 gted 版本不符：{detail}"),
            Some("运行 gte restart 可换用同版本的守护进程".to_owned()),
        ),
        ClientError::Reply(detail) => unexpected(detail),
        ClientError::UnexpectedReply => unexpected(&"类型不符"),
        ClientError::NotListening { socket, pid } => (
            format!("{}占用 {}，但没有监听", daemon(*pid), socket.display()),
            Some("它可能正在退出；若一直如此，请用 kill 结束它".to_owned()),
        ),
        ClientError::Refused(reply) => refused(reply),
        ClientError::Closed => (
            "守护进程未作答便关闭了连接".to_owned(),
            Some("它可能已被停止".to_owned()),
        ),
        ClientError::Frame(detail) => (format!("连接出错：{detail}"), None),
        ClientError::RequestTooLarge(bytes) => (format!("请求过大：{bytes} 字节"), None),
        ClientError::NoProgram => (
            "gte 旁边和 PATH 中都没有 gted".to_owned(),
            Some("请把 gted 放在 gte 旁边，或先运行 gted serve".to_owned()),
        ),
        ClientError::Spawn { program, source } => {
            (format!("无法启动 {}：{source}", program.display()), None)
        }
        ClientError::StartFailed { status, log } if log.is_empty() => {
            (format!("守护进程启动失败（{status}）"), None)
        }
        ClientError::StartFailed { status, log } => {
            (format!("守护进程启动失败（{status}）：{log}"), None)
        }
        ClientError::StartTimeout(waited) => (
            format!("守护进程在 {} 秒内没有响应", waited.as_secs()),
            Some("在另一终端运行 gted serve 可看到原因".to_owned()),
        ),
    };
    match hint {
        Some(hint) => format!("{message}（{hint}）"),
        None => message,
    }
}

/// A line for a notice.
pub(super) fn notice(notice: &Notice) -> String {
    match notice {
        Notice::Waiting { pid } => format!("{}正在启动或退出，等待中", daemon(*pid)),
        Notice::Replaced { version } => format!("已用本版本替换空闲的守护进程（原为 {version}）"),
        Notice::OtherVersion { version } => {
            format!("守护进程是另一版本（{version}）；gte restart 可替换它")
        }
        Notice::OtherModel { before, now } => {
            format!("守护进程曾意外退出：现由 {now} 作答，此前为 {before}")
        }
        Notice::Busy => "守护进程正忙于其他请求，正在重试".to_owned(),
        Notice::ThisSessionOnly(reason) => (*reason).to_owned(),
    }
}

fn refused(reply: &ErrorReply) -> (String, Option<String>) {
    let message = match reply.code {
        ErrorCode::ProtocolMismatch => "gte 与 gted 版本不符",
        ErrorCode::BadFrame | ErrorCode::BadRequest => "守护进程不认识此请求",
        ErrorCode::TooLarge => "文本过长",
        ErrorCode::BlankText => "其中一段没有可比较的文字",
        ErrorCode::Overloaded => "守护进程正忙",
        ErrorCode::Internal => "守护进程内部出错",
        ErrorCode::Model => "模型不可用",
    };
    (format!("{message}：{}", reply.message), reply.hint.clone())
}

fn unexpected(detail: &dyn Display) -> (String, Option<String>) {
    let hint = "运行 gte restart 可换用同版本的守护进程";
    (
        format!("守护进程的回复无法读取：{detail}"),
        Some(hint.to_owned()),
    )
}

fn daemon(pid: Option<u32>) -> String {
    pid.map_or_else(|| "gted ".to_owned(), |pid| format!("gted（进程 {pid}）"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn errors_say_in_chinese_what_to_do() {
        let error = ClientError::NotRunning(PathBuf::from("/run/x.sock"));
        let expected =
            "/run/x.sock 处没有守护进程（请运行 gted serve，或不带 --no-start 启动 gte）";
        assert_eq!(client_error(&error), expected);
        let reply = ErrorReply::new(ErrorCode::Model, "m is not installed").with_hint("pull it");
        let expected = "模型不可用：m is not installed（pull it）";
        assert_eq!(client_error(&reply.into()), expected);
        assert!(notice(&Notice::Waiting { pid: Some(7) }).starts_with("gted（进程 7）"));
    }
}
