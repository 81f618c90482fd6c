"""The run's report: `render(ReportInput(...))` is one self-contained HTML page."""

from mistral_moe.report.inputs import ReportInput
from mistral_moe.report.page import render

__all__ = ["ReportInput", "render"]
