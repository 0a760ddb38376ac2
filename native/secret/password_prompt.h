// Reads a password from a terminal straight into secret memory: no byte of it passes through a
// stream buffer, a JavaScript string or a line editor.
//
// Invariants:
// - Nothing that is typed is echoed; a `*` is shown for each character (a UTF-8 sequence counts as
//   one).
// - The terminal's settings are restored when the call returns, whatever ended it: a line, Ctrl-C,
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
// (further characters are refused with a bell). Enter ends the line, backspace deletes a character,
// Ctrl-U deletes all; a bracketed or plain paste is taken as typed. `*length` is the line's length
// in bytes. A process can have one caller at a time: a second one gets kBusy. kInvalidArgument if
// `descriptor` is not a terminal.
Status PromptPassword(int descriptor, std::string_view prompt, std::span<unsigned char> line,
                      size_t* length, PromptOutcome* outcome);

}  // namespace pinnacle

#endif  // PINNACLE_SECRET_PASSWORD_PROMPT_H_
