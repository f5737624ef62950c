// reports/pages/assets.h
//
// What of the pages is not C++: style, scripts and standing HTML. reports/pages has it in files of
// its own; reports/pages/embed.cmake brings them into the program.

#pragma once

#include <string_view>

namespace reports::assets {

extern const std::string_view kHeadHtml;
extern const std::string_view kDiagramHtml;
extern const std::string_view kTablesHtml;
extern const std::string_view kRunToolsHtml;
extern const std::string_view kPageCss;
extern const std::string_view kColumnsJs;
extern const std::string_view kRunModelJs;
extern const std::string_view kSvgCanvasJs;
extern const std::string_view kTimeAxisJs;
extern const std::string_view kDiagramPictureJs;
extern const std::string_view kDiagramJs;
extern const std::string_view kCopyButtonsJs;
extern const std::string_view kRunPageJs;
extern const std::string_view kIndexPageJs;

}  // namespace reports::assets
