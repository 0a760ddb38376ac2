// Reads a password from a terminal straight into secret memory: no byte of it passes through a
// stream buffer, a JavaScript string or a line editor.
//
// Invariants:
// - Nothing that is typed is echoed; a `*` stands for each character (UTF-8 sequences count as
// one).
// - The terminal's settings are as before when the call returns, whatever ended it: a line, Ctrl-C,
//   end of input, an error, or a signal that ends or stops the process.
#ifndef PINNACLE_SECRET_PASSWORD_PROMPT_H_
#define PINNACLE_SECRET_PASSWORD_PROMPT_H_

#include <cstddef>
#include <span>
#include <string_view>

#include "base/status.h"

namespace pinnacle {

enum class PromptOutcome { kLine, kInterrupted, kEndOfInput };

// Writes `prompt` to the terminal `descriptor` and reads a line of at most line.size() bytes
// (further characters are refused with a bell). Enter ends it, backspace takes a character back,
// Ctrl-U all, a bracketed or plain paste is taken as typed. `*length` is the line's length in
// bytes. One caller at a time in a process: a second one gets kBusy. kInvalidArgument where it is
// no terminal.
Status PromptPassword(int descriptor, std::string_view prompt, std::span<unsigned char> line,
                      size_t* length, PromptOutcome* outcome);

}  // namespace pinnacle

#endif  // PINNACLE_SECRET_PASSWORD_PROMPT_H_
