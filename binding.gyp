# The build that `npm install` runs. Two targets make the product: the core as a static library, which
# knows no JavaScript, and the addon over it. `npm test` configures with -Dpinnacle_tests=1 and gets the
# native unit tests as a third target in the same build directory, so the core is compiled once.
#
# PINNACLE_WERROR=1 makes warnings errors: on in .ci/run and in the CMake build, off for users, whose
# compiler may know warnings that ours did not.
{
  "variables": {
    "pinnacle_tests%": 0,
    "pinnacle_warnings": [
      "-Wall",
      "-Wextra",
      "<!(node scripts/native-sources.mjs werror)"
    ]
  },
  "target_defaults": {
    "cflags!": ["-O2", "-Wno-unused-parameter"],
    "cflags": ["-O3", "<@(pinnacle_warnings)"],
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-fno-rtti", "-fno-exceptions"],
    "cflags_cc": ["-std=c++20", "-fvisibility=hidden", "-fvisibility-inlines-hidden"],
    "include_dirs": ["native"],
    "xcode_settings": {
      "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
      "CLANG_CXX_LIBRARY": "libc++",
      "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
      "GCC_ENABLE_CPP_RTTI": "YES",
      "GCC_OPTIMIZATION_LEVEL": "3",
      "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
      "MACOSX_DEPLOYMENT_TARGET": "11.0",
      "WARNING_CFLAGS": ["<@(pinnacle_warnings)"]
    }
  },
  "targets": [
    {
      "target_name": "pinnacle_core",
      "type": "static_library",
      "sources": ["<!@(node scripts/native-sources.mjs core)"]
    },
    {
      "target_name": "pinnacle",
      "type": "loadable_module",
      "dependencies": ["pinnacle_core"],
      "sources": ["<!@(node scripts/native-sources.mjs addon)"],
      "defines": [
        "NAPI_VERSION=8",
        "NAPI_DISABLE_CPP_EXCEPTIONS",
        "NODE_ADDON_API_DISABLE_DEPRECATED",
        # A worker thread that is terminated throws no more; without this the whole process would end.
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
      ],
      # As a system directory: its headers are not held to our warnings.
      "cflags_cc": ["-isystem", "<!(node scripts/native-sources.mjs addon-api)"],
      "xcode_settings": {
        "OTHER_CPLUSPLUSFLAGS": ["-isystem", "<!(node scripts/native-sources.mjs addon-api)"]
      }
    }
  ],
  "conditions": [
    ["pinnacle_tests==1", {
      "targets": [
        {
          "target_name": "pinnacle_simulator",
          "type": "static_library",
          "sources": ["<!@(node scripts/native-sources.mjs simulator subjects)"],
          "cflags!": ["-O3"],
          "cflags": ["-O1"],
          "xcode_settings": {
            "GCC_OPTIMIZATION_LEVEL": "1"
          }
        },
        {
          "target_name": "pinnacle_native_tests",
          "type": "executable",
          "dependencies": ["pinnacle_simulator", "pinnacle_core"],
          "sources": ["<!@(node scripts/native-sources.mjs tests)"],
          "include_dirs": ["third_party/doctest"],
          # Compiled often, and their time goes into the core and the simulator.
          "cflags!": ["-O3"],
          "cflags": ["-O0"],
          "xcode_settings": {
            "GCC_OPTIMIZATION_LEVEL": "0"
          }
        }
      ]
    }]
  ]
}
