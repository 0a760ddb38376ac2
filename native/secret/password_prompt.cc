#include "secret/password_prompt.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "secret/secret_memory.h"

namespace pinnacle {

namespace {

// What a signal handler needs. Set before the handlers are installed, read by them.
std::atomic<int> g_terminal{-1};
termios g_saved;

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
constexpr size_t kSignalCount = sizeof(kSignals) / sizeof(kSignals[0]);

// tcsetattr and raise are async-signal-safe. The default disposition (SA_RESETHAND) then ends or
// stops the process.
void RestoreAndRaise(int signal) {
  const int error = errno;
  tcsetattr(g_terminal.load(), TCSANOW, &g_saved);
  raise(signal);
  errno = error;
}

class RawTerminal {
 public:
  ~RawTerminal() {
    if (!raw_) return;
    tcsetattr(descriptor_, TCSANOW, &g_saved);
    for (size_t i = 0; i < kSignalCount; ++i) sigaction(kSignals[i], &previous_[i], nullptr);
    g_terminal.store(-1);
  }

  Status Enter(int descriptor) {
    int expected = -1;
    if (!g_terminal.compare_exchange_strong(expected, descriptor)) {
      return Status(Code::kBusy, "another password prompt of this process is open");
    }
    if (tcgetattr(descriptor, &g_saved) != 0) {
      const int error = errno;
      g_terminal.store(-1);
      return Status::FromErrno(error, "can't read the terminal's settings");
    }
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = &RestoreAndRaise;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < kSignalCount; ++i) sigaction(kSignals[i], &action, &previous_[i]);
    descriptor_ = descriptor;
    raw_ = true;
    termios raw = g_saved;
    raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_iflag &= ~static_cast<tcflag_t>(IXON | ISTRIP);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    // TCSAFLUSH drops input typed ahead: it was echoed and may have been meant for the shell.
    if (tcsetattr(descriptor, TCSAFLUSH, &raw) != 0) {
      return Status::FromErrno(errno, "can't turn off the terminal's echo");
    }
    return Status();
  }

 private:
  int descriptor_ = -1;
  bool raw_ = false;
  struct sigaction previous_[kSignalCount];
};

void Show(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // failing to show the prompt is not an error
    text.remove_prefix(static_cast<size_t>(written));
  }
}

bool IsContinuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

// Follows a terminal's escape sequences (arrow keys, bracketed paste marks), which don't belong to
// a password: ESC, then [ or O, then parameters up to a final byte.
class EscapeFilter {
 public:
  bool Swallows(unsigned char byte) {
    switch (state_) {
      case State::kText:
        if (byte != 0x1b) return false;
        state_ = State::kEscape;
        return true;
      case State::kEscape:
        state_ = byte == '[' ? State::kParameters : byte == 'O' ? State::kFinal : State::kText;
        return true;
      case State::kParameters:
        if (byte >= 0x40 && byte <= 0x7e) state_ = State::kText;
        return true;
      case State::kFinal:
        state_ = State::kText;
        return true;
    }
    return false;
  }

 private:
  enum class State { kText, kEscape, kParameters, kFinal };
  State state_ = State::kText;
};

// Removes the last character; returns the new length.
size_t WithoutLastCharacter(std::span<unsigned char> line, size_t length) {
  while (length > 0) {
    const unsigned char byte = line[--length];
    line[length] = 0;
    if (!IsContinuation(byte)) break;
  }
  return length;
}

// Returns true when the line is complete.
bool Take(int descriptor, unsigned char byte, std::span<unsigned char> line, size_t* length,
          PromptOutcome* outcome) {
  constexpr unsigned char kCtrlC = 3, kCtrlD = 4, kBackspace = 8, kCtrlU = 21, kDelete = 127;
  if (byte == '\r' || byte == '\n') return true;
  if (byte == kCtrlC || (byte == kCtrlD && *length == 0)) {
    WipeBytes(line);
    *length = 0;
    *outcome = byte == kCtrlC ? PromptOutcome::kInterrupted : PromptOutcome::kEndOfInput;
    return true;
  }
  if (byte == kBackspace || byte == kDelete) {
    if (*length > 0) Show(descriptor, "\b \b");
    *length = WithoutLastCharacter(line, *length);
  } else if (byte == kCtrlU) {
    while (*length > 0) {
      Show(descriptor, "\b \b");
      *length = WithoutLastCharacter(line, *length);
    }
  } else if (byte < 0x20 || *length == line.size()) {
    Show(descriptor, "\a");
  } else {
    line[(*length)++] = byte;
    if (!IsContinuation(byte)) Show(descriptor, "*");
  }
  return false;
}

}  // namespace

Status PromptPassword(int descriptor, std::string_view prompt, std::span<unsigned char> line,
                      size_t* length, PromptOutcome* outcome) {
  if (!isatty(descriptor)) {
    return Status(Code::kInvalidArgument,
                  "there is no terminal to ask for a password; give it by a file descriptor or a "
                  "file of mode 600");
  }
  RawTerminal terminal;
  PINNACLE_RETURN_IF_ERROR(terminal.Enter(descriptor));
  Show(descriptor, prompt);
  *length = 0;
  *outcome = PromptOutcome::kLine;
  EscapeFilter escapes;
  for (;;) {
    unsigned char byte = 0;
    const ssize_t got = read(descriptor, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      WipeBytes(line);
      return Status::FromErrno(error, "can't read the password from the terminal");
    }
    if (got == 0) {
      WipeBytes(line);
      *length = 0;
      *outcome = PromptOutcome::kEndOfInput;
      break;
    }
    const bool complete = !escapes.Swallows(byte) && Take(descriptor, byte, line, length, outcome);
    WipeBytes({&byte, 1});
    if (complete) break;
  }
  Show(descriptor, "\n");  // output is still processed: this becomes CR LF
  return Status();
}

}  // namespace pinnacle
