# Wrong on purpose: shows that the check finds what is wrong.
def number []: nothing -> int { "text" }
number
