using System.Net;
using Microsoft.Extensions.Http.Resilience;
using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace Moorcheh.Sidecar.Providers;

/// <summary>When a request to a provider is given up, made again, or not made at all.</summary>
internal sealed class ProviderResilience
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestBackoff = TimeSpan.FromSeconds(30);

    // A provider that wants a longer pause has used up a quota. Its words are worth more than waiting.
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Break = TimeSpan.FromSeconds(5);

    private readonly ProviderSettings _settings;
    private readonly ProviderErrors _errors;
    private readonly ProviderOutage _outage;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;

    public ProviderResilience(ProviderSettings settings, ProviderErrors errors, TimeProvider clock, ILogger logger)
    {
        _settings = settings;
        _errors = errors;
        _outage = new ProviderOutage(clock);
        _clock = clock;
        _logger = logger;
        Queries = Builder().AddCircuitBreaker(Circuit()).AddTimeout(settings.RequestTimeout).Build();
        Documents = settings.Attempts == 1 ? Queries : Builder().AddRetry(Retry()).AddPipeline(Queries).Build();
    }

    /// <summary>One request: somebody waits.</summary>
    public ResiliencePipeline<HttpResponseMessage> Queries { get; }

    /// <summary>Several requests. The circuit is that of <see cref="Queries"/>: both are told the same about the provider.</summary>
    public ResiliencePipeline<HttpResponseMessage> Documents { get; }

    private ResiliencePipelineBuilder<HttpResponseMessage> Builder() => new() { TimeProvider = _clock };

    private HttpCircuitBreakerStrategyOptions Circuit() => new()
    {
        FailureRatio = 0.5,
        MinimumThroughput = 3,

        // Three requests that take all of their time, one after the other, have to be in it.
        SamplingDuration = (3 * _settings.RequestTimeout) + TimeSpan.FromSeconds(10),
        BreakDuration = Break,
        ShouldHandle = args => ValueTask.FromResult(IsAway(args.Outcome)),
        OnOpened = args =>
        {
            string words = _errors.KeepAway(args.Outcome.Exception, args.Outcome.Result?.StatusCode);
            if (_outage.Begin())
            {
                _logger.ProviderAway(_settings.Kind.Name, words);
            }

            return default;
        },
        OnClosed = _ =>
        {
            _outage.End();
            _logger.ProviderBack(_settings.Kind.Name);
            return default;
        },
    };

    private HttpRetryStrategyOptions Retry() => new()
    {
        MaxRetryAttempts = _settings.Attempts - 1,
        BackoffType = DelayBackoffType.Exponential,
        Delay = FirstPause,
        MaxDelay = LongestBackoff,
        UseJitter = false,
        ShouldHandle = args => ValueTask.FromResult(IsWorthAnother(args.Outcome)),
        DelayGenerator = args => ValueTask.FromResult(PauseOf(args.Outcome)),
    };

    /// <summary>True when a request says that nobody is there. A 500 does not: a single text may be its reason.</summary>
    private bool IsAway(Outcome<HttpResponseMessage> outcome) => outcome switch
    {
        // Whoever was to look whether it is back went away without an answer.
        { Exception: OperationCanceledException } => _outage.IsOn,
        { Result.StatusCode: HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout } => true,
        { Exception: TimeoutRejectedException } => true,
        { Exception: HttpRequestException { HttpRequestError: not HttpRequestError.ConfigurationLimitExceeded } } => true,
        _ => false,
    };

    /// <summary>
    /// True when the same request may be answered next time. One that took all of its time is not made again: what is slow would become
    /// slower.
    /// </summary>
    private bool IsWorthAnother(Outcome<HttpResponseMessage> outcome) => outcome switch
    {
        { Result: { } answer } => HttpClientResiliencePredicates.IsTransient(outcome) && !(RetryAfterOf(answer) > LongestPause),
        { Exception: BrokenCircuitException } => !_outage.IsLong,
        { Exception: TimeoutRejectedException } => false,
        { Exception: HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } } => false,
        _ => HttpClientResiliencePredicates.IsTransient(outcome),
    };

    private TimeSpan? PauseOf(Outcome<HttpResponseMessage> outcome) => outcome switch
    {
        { Result: { } answer } => RetryAfterOf(answer),
        { Exception: BrokenCircuitException } => Break,
        _ => null,
    };

    private TimeSpan? RetryAfterOf(HttpResponseMessage answer) => answer.Headers.RetryAfter switch
    {
        { Delta: { } pause } => pause,
        { Date: { } date } when date > _clock.GetUtcNow() => date - _clock.GetUtcNow(),
        _ => null,
    };
}
