//! Texts in Chinese.

use gte_shared::score::Verdict;

use super::words::Strings;

/// Text of a verdict: that of the score itself, which is Chinese.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    verdict.interpretation()
}

pub(super) const ZH: Strings = Strings {
    title: "文本语义相似度",
    connecting: "正在连接",
    ready: "就绪",
    unreachable: "未连接",
    placeholder: "在此输入文本",
    tokens: "词元",
    unknown: "未知",
    uncalibrated: "未校准",
    provisional: "暂定校准",
    same_tokens: "两段文本不同，但模型读到的词元相同",
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
    hint_pull: "下载并使用",
    hint_use: "使用",
    hint_cancel: "取消下载",
    models_title: "模型",
    models_note: "* 正在使用。只有下载模型时才会联网。",
    builtin_note: "现用内置模型；按 F2 可下载并换用 GTE",
    builtin: "内置",
    installed: "已安装",
    not_installed: "未安装",
    status_cells: 6,
    pulling: "下载中",
    waiting_pull: "另一个 gted 正在下载此模型，等待其完成",
    unchecked: "来源未给出校验和，只核对了大小",
    remaining: "剩余",
    seconds: "秒",
    loading: "正在载入",
    help_title: "帮助",
    help: &[
        "输入两段文本，停顿片刻即得分数。",
        "",
        "分数   按人的评分校准，取值 0 到 100",
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
