"""The run's report: `page.render(inputs.ReportInput(...))` is one self-contained HTML page."""
