"""Recognition 结果互认: another hospital's result is offered before an examination is ordered anew."""
