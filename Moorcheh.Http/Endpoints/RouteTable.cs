using Moorcheh.Http.Errors;

namespace Moorcheh.Http.Endpoints;

/// <summary>
/// Maps routes and remembers their methods, so that a known path with another method is answered with 405 and the methods it
/// has. Only our own patterns get such an answer: a host's other routes are not touched.
/// </summary>
internal sealed class RouteTable(RouteGroupBuilder group)
{
    private readonly Dictionary<string, List<string>> _methods = [];
    private readonly Dictionary<string, RouteRules> _rules = [];

    public RouteHandlerBuilder Get(string pattern, Delegate handler, RouteRules? rules = null) => Map(HttpMethods.Get, pattern, handler, rules);

    public RouteHandlerBuilder Post(string pattern, Delegate handler, RouteRules? rules = null) => Map(HttpMethods.Post, pattern, handler, rules);

    public RouteHandlerBuilder Patch(string pattern, Delegate handler) => Map(HttpMethods.Patch, pattern, handler, null);

    public RouteHandlerBuilder Delete(string pattern, Delegate handler) => Map(HttpMethods.Delete, pattern, handler, null);

    /// <summary>Maps the 405 answers of all patterns; call it last.</summary>
    public void MapOtherMethods()
    {
        foreach ((string pattern, List<string> methods) in _methods)
        {
            // An endpoint without methods takes what the ones with methods leave.
            string allow = string.Join(", ", methods.SelectMany(Served));
            group.Map(pattern, (HttpContext http) => Refuse(http, methods, allow))
                .WithMetadata(_rules[pattern] with { IsServedAlways = true, IsSearch = false })
                .ExcludeFromDescription();
        }
    }

    private static IResult Refuse(HttpContext http, List<string> methods, string allow)
    {
        http.Response.Headers.Allow = allow;
        throw RequestErrors.MethodNotAllowed(http.ShownMethod(), http.FullPath(), methods);
    }

    /// <summary>HEAD is GET whose body the server keeps to itself.</summary>
    private static string[] Served(string method) => method == HttpMethods.Get ? [HttpMethods.Get, HttpMethods.Head] : [method];

    private RouteHandlerBuilder Map(string method, string pattern, Delegate handler, RouteRules? rules)
    {
        rules ??= RouteRules.Default;
        if (!_methods.TryGetValue(pattern, out List<string>? methods))
        {
            _methods[pattern] = methods = [];
            _rules[pattern] = rules;
        }

        methods.Add(method);
        return group.MapMethods(pattern, Served(method), handler).WithMetadata(rules);
    }
}
