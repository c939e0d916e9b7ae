//! Every word that the screen shows, in Chinese and English.

use clap::ValueEnum;
use gte_shared::score::Label;

/// A language of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// 中文
    Zh,
    /// English
    En,
}

impl Language {
    /// The language of the environment: `LC_ALL`, else `LC_MESSAGES`, else `LANG`.
    ///
    /// Chinese where these say nothing (unset, `C`, `POSIX`), since the texts are Chinese; English
    /// for every other language.
    #[must_use]
    pub fn of_environment() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = set("LC_ALL")
            .or_else(|| set("LC_MESSAGES"))
            .or_else(|| set("LANG"));
        Self::of_locale(locale.as_deref().unwrap_or_default())
    }

    fn of_locale(locale: &str) -> Self {
        let language = locale.split(['_', '.', '@']).next().unwrap_or_default();
        match language {
            "zh" | "" | "C" | "POSIX" => Self::Zh,
            _ => Self::En,
        }
    }

    /// The words.
    #[must_use]
    pub fn strings(self) -> &'static Strings {
        match self {
            Self::Zh => &ZH,
            Self::En => &EN,
        }
    }

    /// The verdict in words.
    #[must_use]
    pub fn verdict(self, label: Label) -> &'static str {
        match (self, label) {
            (Self::Zh, label) => label.interpretation(),
            (Self::En, Label::High) => "very similar",
            (Self::En, Label::Medium) => "somewhat similar",
            (Self::En, Label::Low) => "quite different",
        }
    }
}

/// The words of one language.
#[derive(Debug)]
pub struct Strings {
    /// What the program is, beside its name.
    pub title: &'static str,
    /// The daemon is being connected to or started.
    pub connecting: &'static str,
    /// The daemon answers.
    pub ready: &'static str,
    /// The daemon cannot be reached.
    pub unreachable: &'static str,
    /// Shown in an empty editor.
    pub placeholder: &'static str,
    /// Unit of a text's length.
    pub tokens: &'static str,
    /// Before the number of tokens that were read of a text that was cut.
    pub cut_before: &'static str,
    /// After that number.
    pub cut_after: &'static str,
    /// The same in a narrow place, without a number.
    pub cut_short: &'static str,
    /// In place of a score, before there are two texts.
    pub waiting: &'static str,
    /// Beside a score that belongs to the text before the last change.
    pub computing: &'static str,
    /// In place of a score: one text has nothing to compare.
    pub blank: &'static str,
    /// Before an error.
    pub failed: &'static str,
    /// Name of the cosine.
    pub cosine: &'static str,
    /// Unit of the time.
    pub milliseconds: &'static str,
    /// Key hint: go to the other text.
    pub hint_other: &'static str,
    /// Key hint: explain.
    pub hint_help: &'static str,
    /// Key hint: leave.
    pub hint_leave: &'static str,
    /// Key hint: scroll the explanation.
    pub hint_scroll: &'static str,
    /// Key hint: close the explanation.
    pub hint_close: &'static str,
    /// Key hint: open the list of models.
    pub hint_models: &'static str,
    /// Key hint: select a model.
    pub hint_select: &'static str,
    /// Key hint: fetch the selected model and have it answer.
    pub hint_fetch: &'static str,
    /// Key hint: have the selected model answer.
    pub hint_use: &'static str,
    /// Key hint: stop fetching.
    pub hint_cancel: &'static str,
    /// Title of the list of models.
    pub models_title: &'static str,
    /// Below the list of models.
    pub models_note: &'static str,
    /// In place of a score, when the embedded model answers: that there is a better one.
    pub embedded_note: &'static str,
    /// Of a model: compiled into the program.
    pub embedded: &'static str,
    /// Of a model: installed.
    pub installed: &'static str,
    /// Of a model: to be fetched first.
    pub not_installed: &'static str,
    /// The widest of these three, in cells.
    pub condition_cells: usize,
    /// Before a model that is being fetched.
    pub pulling: &'static str,
    /// Another process pulls the same model.
    pub waiting_pull: &'static str,
    /// Of a file that has come: nothing to check it against.
    pub unchecked: &'static str,
    /// Before the time that is left.
    pub remaining: &'static str,
    /// Unit of that time.
    pub seconds: &'static str,
    /// Before a model that is being loaded.
    pub switching: &'static str,
    /// Title of the explanation.
    pub help_title: &'static str,
    /// The explanation, a line each.
    pub help: &'static [&'static str],
}

const ZH: Strings = Strings {
    title: "文本语义相似度",
    connecting: "正在连接",
    ready: "就绪",
    unreachable: "未连接",
    placeholder: "在此输入文本",
    tokens: "词元",
    cut_before: "已截断：只读了前 ",
    cut_after: " 个词元",
    cut_short: "已截断",
    waiting: "输入两段文本，即可看到相似度",
    computing: "计算中",
    blank: "其中一段没有可比较的文字",
    failed: "出错",
    cosine: "余弦",
    milliseconds: "毫秒",
    hint_other: "切换",
    hint_help: "帮助",
    hint_leave: "退出",
    hint_scroll: "滚动",
    hint_close: "关闭",
    hint_models: "模型",
    hint_select: "选择",
    hint_fetch: "下载并使用",
    hint_use: "使用",
    hint_cancel: "取消下载",
    models_title: "模型",
    models_note: "* 正在使用。只有下载模型时才会联网。",
    embedded_note: "现用内置模型；按 F2 可下载并换用 GTE",
    embedded: "内置",
    installed: "已安装",
    not_installed: "未安装",
    condition_cells: 6,
    pulling: "下载中",
    waiting_pull: "另一个 gted 正在下载此模型，等待其完成",
    unchecked: "来源未给出校验和，只核对了大小",
    remaining: "剩余",
    seconds: "秒",
    switching: "正在载入",
    help_title: "帮助",
    help: &[
        "输入两段文本，停顿片刻即得分数。",
        "",
        "分数   余弦乘以 100，取值 0 到 100",
        "高度相似  高于 75",
        "中等相似  高于 50，至多 75",
        "差异较大  至多 50",
        "",
        "Tab      切换到另一段文本",
        "Enter    换行",
        "Ctrl-U   撤销     Ctrl-R  重做",
        "Ctrl-W   删除前一个词",
        "F1 或 ?  帮助（? 只在空白处有效）",
        "F2       模型：下载、换用",
        "Esc      退出（Ctrl-C 亦可）",
        "",
        "文本只在本机处理，不写入任何文件。",
    ],
};

const EN: Strings = Strings {
    title: "semantic similarity",
    connecting: "connecting",
    ready: "ready",
    unreachable: "not connected",
    placeholder: "type a text here",
    tokens: "tokens",
    cut_before: "cut: only the first ",
    cut_after: " tokens were read",
    cut_short: "cut",
    waiting: "type two texts to see how similar they are",
    computing: "computing",
    blank: "one of the texts has nothing to compare",
    failed: "failed",
    cosine: "cosine",
    milliseconds: "ms",
    hint_other: "other text",
    hint_help: "help",
    hint_leave: "leave",
    hint_scroll: "scroll",
    hint_close: "close",
    hint_models: "models",
    hint_select: "select",
    hint_fetch: "fetch and use",
    hint_use: "use",
    hint_cancel: "cancel",
    models_title: "Models",
    models_note: "* in use. The network is used to fetch a model, and for nothing else.",
    embedded_note: "The embedded model answers; F2 fetches GTE itself",
    embedded: "embedded",
    installed: "installed",
    not_installed: "known",
    condition_cells: 9,
    pulling: "fetching",
    waiting_pull: "another gted is fetching this model; waiting for it",
    unchecked: "the hub states no checksum, so only its size was checked",
    remaining: "left",
    seconds: "s",
    switching: "loading",
    help_title: "Help",
    help: &[
        "Type two texts and pause for a moment.",
        "",
        "score    100 x cosine, from 0 to 100",
        "very similar      above 75",
        "somewhat similar  above 50, up to 75",
        "quite different   up to 50",
        "",
        "Tab      go to the other text",
        "Enter    begin a new line",
        "Ctrl-U   undo     Ctrl-R  redo",
        "Ctrl-W   delete the word before",
        "F1 or ?  help (? in an empty text only)",
        "F2       models: fetch one, use another",
        "Esc      leave (so does Ctrl-C)",
        "",
        "Texts stay on this machine, in no file.",
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_choose_the_language() {
        for locale in ["", "C", "C.UTF-8", "POSIX", "zh_CN.UTF-8", "zh_TW", "zh"] {
            assert_eq!(Language::of_locale(locale), Language::Zh, "{locale}");
        }
        for locale in ["en_US.UTF-8", "en", "de_DE@euro"] {
            assert_eq!(Language::of_locale(locale), Language::En, "{locale}");
        }
    }
}
