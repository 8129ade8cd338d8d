"""Where rows came from: the way of a row through the steps of a run, what was asked on the way, and how runs differ."""
