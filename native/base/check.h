// PINNACLE_CHECK: an assertion that stays on in release builds. It guards states that could only
// come from a defect of this library and would corrupt data if execution went on; bad input never
// reaches one, it is refused with a Code.
#ifndef PINNACLE_BASE_CHECK_H_
#define PINNACLE_BASE_CHECK_H_

namespace pinnacle {

[[noreturn]] void CheckFailed(const char* expression, const char* file, int line);

}  // namespace pinnacle

#define PINNACLE_CHECK(expression)                    \
  (__builtin_expect(static_cast<bool>(expression), 1) \
       ? static_cast<void>(0)                         \
       : ::pinnacle::CheckFailed(#expression, __FILE__, __LINE__))

#endif  // PINNACLE_BASE_CHECK_H_
